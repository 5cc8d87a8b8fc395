//! What the workload says of itself: one JSON object a line.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::bytes::Bytes;
use crate::{Error, Result};

/// A record, and when it was said: after what it tells, and before what follows.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Said {
    /// Wall-clock time in nanoseconds since 1970.
    pub at: u64,
    /// What was said.
    #[serde(flatten)]
    pub record: Record,
}

impl Said {
    /// Stamps a record with the present.
    #[must_use]
    pub fn now(record: Record) -> Self {
        Self { at: now(), record }
    }

    /// Reads one line.
    ///
    /// # Errors
    /// It is no record with its time.
    pub fn read(line: &str) -> Result<Self> {
        serde_json::from_str(line).map_err(|source| Error::Json {
            line: line.to_owned(),
            source,
        })
    }
}

/// The wall clock in nanoseconds since 1970.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// One thing that the workload did. Process ids are those of its own pid namespace.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(tag = "did", rename_all = "snake_case")]
pub enum Record {
    /// It started with `wait=yes` and reads its standard input before it goes on.
    Ready {
        /// Its process id.
        pid: u32,
    },
    /// A process began to run a program; said by that process.
    Exec(Box<Image>),
    /// Another thread than the first is the last one of its process, and about to end it.
    Thread {
        /// Its process id.
        pid: u32,
        /// Its own id.
        tid: u32,
    },
    /// A process ended; said by its parent.
    Exit {
        /// Its process id.
        pid: u32,
        /// How it ended.
        end: End,
    },
    /// A file was opened, or was not.
    Open(Access),
    /// A TCP connection was attempted.
    Connect {
        /// Who attempted it.
        pid: u32,
        /// Its end of the connection; none when it was never given one.
        local: Option<SocketAddr>,
        /// The other end.
        peer: SocketAddr,
        /// The name of the error, unless it was made.
        error: Option<String>,
    },
    /// A TCP connection was accepted.
    Accept {
        /// Who accepted it.
        pid: u32,
        /// Its end of the connection.
        local: SocketAddr,
        /// The other end.
        peer: SocketAddr,
    },
    /// One end of a TCP connection was closed.
    Close {
        /// Who had connected or accepted it.
        pid: u32,
        /// Its end of the connection.
        local: SocketAddr,
        /// The other end.
        peer: SocketAddr,
        /// Bytes handed to the kernel.
        sent: u64,
        /// Bytes taken from the kernel.
        received: u64,
        /// Whether this end saw the connection reset.
        reset: bool,
    },
    /// A system call was made again and again.
    Flood {
        /// By which process.
        pid: u32,
        /// On how many threads.
        threads: u64,
        /// How often by all of them together.
        calls: u64,
    },
}

/// What a process that has just begun to run a program knows of itself.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Image {
    /// Its process id.
    pub pid: u32,
    /// Its parent's.
    pub parent_pid: u32,
    /// Its process group.
    pub group: u32,
    /// Its effective user.
    pub user: u32,
    /// The name of its thread, at most 15 bytes.
    pub comm: Bytes,
    /// The program, with every link resolved.
    pub executable: Bytes,
    /// Its arguments, the name it was called by first.
    pub args: Vec<Bytes>,
    /// Its working directory.
    pub directory: Bytes,
    /// The size of its environment in memory, with the closing zeros.
    pub environment_bytes: u64,
}

impl Image {
    /// What the kernel shows of process `pid`, seen from here; its program below `root`.
    ///
    /// # Errors
    /// It has gone, or is somebody else's.
    pub fn of(pid: u32, root: &Path) -> Result<Self> {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let read = |name: &str| fs::read(folder.join(name)).map_err(Error::io("read", &folder));
        let link = |name: &str| {
            let path = folder.join(name).read_link();
            let path = path.map_err(Error::io("read a link of", &folder))?;
            let inside = path
                .strip_prefix(root)
                .map(|path| Path::new("/").join(path));
            Ok::<_, Error>(Bytes::from(&inside.unwrap_or(path)))
        };
        // After the name, which may hold anything, come the state, the parent and the group.
        let status = read("stat")?;
        let status = String::from_utf8_lossy(&status).into_owned();
        let (_, fields) = status.rsplit_once(") ").unwrap_or_default();
        let field = |index| {
            fields
                .split(' ')
                .nth(index)
                .and_then(|text| text.parse().ok())
        };
        let args = read("cmdline")?;
        let args = args.strip_suffix(b"\0").unwrap_or(&args);
        Ok(Self {
            pid,
            parent_pid: field(1).unwrap_or_default(),
            group: field(2).unwrap_or_default(),
            user: fs::metadata(&folder)
                .map_err(Error::io("look at", &folder))?
                .uid(),
            comm: Bytes(read("comm")?.strip_suffix(b"\n").unwrap_or_default().into()),
            executable: link("exe")?,
            args: args
                .split(|byte| *byte == 0)
                .map(|arg| Bytes(arg.into()))
                .collect(),
            directory: link("cwd")?,
            environment_bytes: read("environ")?.len() as u64,
        })
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// An attempt to open a file.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Access {
    /// Who attempted it.
    pub pid: u32,
    /// Which case of the workload this is, in words.
    pub case: String,
    /// The system call.
    pub call: Call,
    /// The path as it was handed over.
    pub argument: Bytes,
    /// The file that came of it, as `/proc/self/fd` has it.
    pub path: Option<Bytes>,
    /// The flags as they were handed over.
    pub flags: u32,
    /// The permissions as they were handed over, for a call that may create the file.
    pub mode: Option<u32>,
    /// The file descriptor, if it was opened.
    pub fd: Option<i32>,
    /// The name of the error, if it was not.
    pub error: Option<String>,
}

/// A system call that opens files.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `open`.
    Open,
    /// `creat`.
    Creat,
    /// `openat`.
    Openat,
    /// `openat2`.
    Openat2,
    /// `open` by its 32-bit number.
    Int80Open,
    /// `openat` by its 32-bit number.
    Int80Openat,
}

impl Record {
    /// The program that a process began to run, if that is what this is.
    #[must_use]
    pub fn as_exec(&self) -> Option<&Image> {
        if let Self::Exec(image) = self {
            Some(image)
        } else {
            None
        }
    }

    /// The attempt to open a file, if that is what this is.
    #[must_use]
    pub fn as_open(&self) -> Option<&Access> {
        if let Self::Open(access) = self {
            Some(access)
        } else {
            None
        }
    }

    /// Reads every line of what the workload wrote.
    ///
    /// # Errors
    /// A line is no record.
    pub fn read_all(text: &str) -> Result<Vec<Self>> {
        text.lines().map(Self::read).collect()
    }

    /// Reads one line.
    ///
    /// # Errors
    /// It is no record.
    pub fn read(line: &str) -> Result<Self> {
        serde_json::from_str(line).map_err(|source| Error::Json {
            line: line.to_owned(),
            source,
        })
    }
}
