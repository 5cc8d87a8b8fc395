//! A virtual machine: what is in it, what it runs, and running it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::closure::libraries;
use super::initramfs::Initramfs;
use super::kernel::Kernel;
use super::outcome::{Outcome, Progress};
use crate::wait::{LIMIT, within};
use crate::{Error, Result, Scratch};

/// The first process of every machine.
const INIT: &str = include_str!("../../vm/init.sh");
/// Enters a cgroup and namespaces; the same file serves containers outside of machines.
const CONTAINER: &str = include_str!("../../vm/container.sh");
/// How a machine mounts its cgroups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cgroups {
    /// Version 2 at `/sys/fs/cgroup`.
    #[default]
    Unified,
    /// memory and pids as version 1 at `/sys/fs/cgroup/NAME` where the kernel still offers them so
    /// (memory: up to 6.1), and an empty version 2 at `/sys/fs/cgroup/unified`.
    Hybrid,
}

/// A virtual machine with busybox, the files that a test adds, and a script. Inside, everything
/// runs as root, `/proc`, `/sys`, `/dev`, `/tmp`, bpffs and cgroups are mounted, loopback is up,
/// and there is no other network. `/bin/container` is `vm/container.sh`.
#[derive(Debug)]
pub struct Machine {
    programs: Vec<(PathBuf, PathBuf)>,
    files: Vec<(PathBuf, Vec<u8>)>,
    cgroups: Cgroups,
    security_modules: &'static str,
    limit: Duration,
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Machine {
    /// A machine with nothing but busybox.
    #[must_use]
    pub fn new() -> Self {
        let busybox = (PathBuf::from("/bin/busybox"), PathBuf::from("/bin/busybox"));
        Self {
            programs: vec![busybox],
            files: Vec::new(),
            cgroups: Cgroups::default(),
            security_modules: "landlock,yama,bpf",
            limit: LIMIT,
        }
    }

    /// Adds a program at `inside` with the libraries it needs, stripped of its debug sections.
    #[must_use]
    pub fn program(mut self, outside: impl Into<PathBuf>, inside: impl Into<PathBuf>) -> Self {
        self.programs.push((outside.into(), inside.into()));
        self
    }

    /// Adds a file of the given content at the absolute path `inside`.
    #[must_use]
    pub fn file(mut self, inside: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((inside.into(), content.into()));
        self
    }

    /// Chooses how cgroups are mounted.
    #[must_use]
    pub fn cgroups(mut self, cgroups: Cgroups) -> Self {
        self.cgroups = cgroups;
        self
    }

    /// Chooses which security modules the kernel asks.
    #[must_use]
    pub fn security_modules(mut self, modules: &'static str) -> Self {
        self.security_modules = modules;
        self
    }

    /// Sets how long a run may take, boot included.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Boots `kernel`, runs `script` with busybox's shell and waits for the end. Files that the
    /// script leaves in `/out` come back in the outcome. A status other than 0 is no error here.
    ///
    /// A machine that dies before the script ends is booted once more, and that is said on stderr:
    /// 4 of 47 emulated boots of kernels 6.12 and 7.2 died by themselves, one of them in the midst of
    /// its work. One that dies twice is an error.
    ///
    /// # Errors
    /// A file to be added cannot be read, qemu is missing, or the machine ended, or was ended at
    /// its limit, before the script.
    pub fn run(&self, kernel: Kernel, script: &str) -> Result<Outcome> {
        let image = kernel.image()?;
        let scratch = Scratch::new("vm")?;
        let initrd = scratch.write("initrd", self.initramfs(&scratch, script)?)?;
        match self.boot(kernel, &image, &initrd) {
            Ok(Some(outcome)) => return Ok(outcome),
            Ok(None) | Err(Error::Machine { .. }) => {}
            Err(error) => return Err(error),
        }
        // Nobody can be told that stderr is closed.
        writeln!(
            io::stderr(),
            "the machine with {} died, booting it once more",
            kernel.name()
        )
        .unwrap_or_default();
        let second = self.boot(kernel, &image, &initrd)?;
        second.ok_or_else(|| Error::Machine {
            kernel: kernel.name(),
            console: "the script never began, twice".to_owned(),
        })
    }

    /// Packs everything into one archive.
    fn initramfs(&self, scratch: &Scratch, script: &str) -> Result<Vec<u8>> {
        let mut archive = Initramfs::default();
        archive.add(Path::new("/init"), INIT.as_bytes());
        archive.add(Path::new("/bin/container"), CONTAINER.as_bytes());
        archive.add(Path::new("/eunomia/script"), script.as_bytes());
        if self.cgroups == Cgroups::Hybrid {
            archive.add(Path::new("/eunomia/hybrid"), &[]);
        }
        for (inside, content) in &self.files {
            archive.add(inside, content);
        }
        for (outside, inside) in &self.programs {
            archive.add(inside, &stripped(outside, scratch)?);
            for library in libraries(outside)? {
                let content = fs::read(&library).map_err(Error::io("read", &library))?;
                archive.add(&library, &content);
            }
        }
        Ok(archive.finish())
    }

    /// One boot; nothing when the script never began.
    fn boot(&self, kernel: Kernel, image: &Path, initrd: &Path) -> Result<Option<Outcome>> {
        let serial = Scratch::new("serial")?;
        let port = |name: &str| serial.path().join(name);
        let ports = ["console", "script", "files.tar.gz"].map(port);
        let mut qemu = Qemu::start(image, initrd, self.security_modules, &ports)?;
        let on_time = qemu.wait(self.limit);
        let [console, script, files] = &ports;
        let console = text(console)?;
        let said = text(script)?;
        match (Progress::read(&said), on_time) {
            (Progress::Finished { status, output }, _) => {
                let output = output.to_owned();
                Ok(Some(Outcome {
                    status,
                    output,
                    console,
                    files: unpack(files)?,
                }))
            }
            (Progress::NotBooted, Ok(())) => Ok(None),
            (Progress::NotBooted | Progress::Interrupted, Err(error @ Error::Program { .. })) => {
                Err(error)
            }
            (Progress::NotBooted | Progress::Interrupted, Ok(()) | Err(_)) => Err(Error::Machine {
                kernel: kernel.name(),
                console: console + &said,
            }),
        }
    }
}

/// A running qemu, ended on drop.
struct Qemu(Child);

impl Qemu {
    fn start(
        image: &Path,
        initrd: &Path,
        security_modules: &str,
        ports: &[PathBuf; 3],
    ) -> Result<Self> {
        let mut command = Command::new("qemu-system-x86_64");
        command
            .args([
                "-accel",
                "tcg,thread=multi",
                "-cpu",
                "max",
                "-smp",
                "2",
                "-m",
                "1024",
            ])
            .args(["-nodefaults", "-display", "none", "-no-reboot"])
            .arg("-kernel")
            .arg(image)
            .arg("-initrd")
            .arg(initrd)
            // oops=panic: a kernel that was hurt must not go on as if nothing were.
            .arg("-append")
            .arg(format!(
                "console=ttyS0 quiet panic=-1 oops=panic lsm={security_modules}"
            ))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        for port in ports {
            let mut file = OsString::from("file:");
            file.push(port);
            command.arg("-serial").arg(file);
        }
        command
            .spawn()
            .map(Self)
            .map_err(Error::io("start", "qemu-system-x86_64"))
    }

    /// Waits for the power-off.
    fn wait(&mut self, limit: Duration) -> Result<()> {
        let status = within("the virtual machine powers off", limit, || {
            self.0
                .try_wait()
                .map_err(Error::io("wait for", "qemu-system-x86_64"))
        })?;
        if status.success() {
            return Ok(());
        }
        let mut complaint = String::new();
        if let Some(mut stderr) = self.0.stderr.take() {
            stderr
                .read_to_string(&mut complaint)
                .map_err(Error::io("read the messages of", "qemu-system-x86_64"))?;
        }
        Err(Error::program(
            "qemu-system-x86_64",
            format!("{status}: {complaint}"),
        ))
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is what is wanted.
        if self.0.kill().is_ok() && self.0.wait().is_err() {}
    }
}

/// A program without its debug sections, which would fill the machine's memory.
fn stripped(program: &Path, scratch: &Scratch) -> Result<Vec<u8>> {
    let copy = scratch.path().join("stripped");
    let output = Command::new("strip")
        .arg("--strip-debug")
        .arg("-o")
        .arg(&copy)
        .arg(program)
        .output()
        .map_err(Error::io("start", "strip"))?;
    // What strip does not know (a script) goes in as it is.
    let source = if output.status.success() {
        copy.as_path()
    } else {
        program
    };
    fs::read(source).map_err(Error::io("read", source))
}

/// A serial port's text; the console may hold bytes that are none.
fn text(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Unpacks what the machine sent of its `/out`.
fn unpack(archive: &Path) -> Result<Scratch> {
    let folder = Scratch::new("out")?;
    let input = File::open(archive).map_err(Error::io("open", archive))?;
    let output = Command::new("tar")
        .args(["--extract", "--gzip", "--no-same-owner", "--directory"])
        .arg(folder.path())
        .stdin(input)
        .output()
        .map_err(Error::io("start", "tar"))?;
    if !output.status.success() {
        return Err(Error::program(
            "tar",
            String::from_utf8_lossy(&output.stderr),
        ));
    }
    Ok(folder)
}
