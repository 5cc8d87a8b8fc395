//! Cgroups below the test's own one, the same path in every hierarchy, gone on drop with
//! everything that ran in them.

use std::fs::{self, DirEntry};
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use crate::wait::complain;
use crate::{Error, Result, until};

/// Hierarchies in which a cgroup is made: those that a container's identity is read from.
const MADE_IN: [&str; 3] = ["memory", "pids", ""];

/// One mounted hierarchy, and where the test itself is in it.
#[derive(Clone, Debug)]
struct Hierarchy {
    /// Controllers of version 1, joined by commas; empty for version 2.
    controllers: String,
    mount: PathBuf,
    own: PathBuf,
}

/// A cgroup made for a test.
#[derive(Debug)]
pub struct Cgroup {
    /// Parent of its own, so that tests never meet in a folder.
    parent: PathBuf,
    /// The cgroup below the parent.
    name: PathBuf,
    hierarchies: Vec<Hierarchy>,
}

impl Cgroup {
    /// Makes the cgroup `name` (as in `docker/<id>`) in the memory, pids and unified hierarchies,
    /// as far as they are mounted.
    ///
    /// # Errors
    /// No hierarchy is mounted, or one is not writable.
    pub fn create(name: &str) -> Result<Self> {
        let cgroup = Self::plan(name)?;
        for folder in cgroup.folders() {
            fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        }
        Ok(cgroup)
    }

    /// Thinks up the cgroup and leaves its making to somebody else, such as a container runtime.
    ///
    /// # Errors
    /// No hierarchy is mounted.
    pub(crate) fn plan(name: &str) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let parent = PathBuf::from(format!("eunomia-test-{}-{number}", process::id()));
        let hierarchies = hierarchies()?;
        if hierarchies.is_empty() {
            return Err(Error::program("cgroups", "no hierarchy is mounted"));
        }
        Ok(Self {
            parent,
            name: PathBuf::from(name),
            hierarchies,
        })
    }

    /// Its folders, one in each hierarchy it was made in.
    #[must_use]
    pub fn folders(&self) -> Vec<PathBuf> {
        self.made_in()
            .map(|hierarchy| hierarchy.folder(&self.below_own()))
            .collect()
    }

    /// Its path as `/proc/PID/cgroup` shows it in the hierarchy that counts: that of the memory,
    /// else the pids controller if it sits on version 1, else version 2.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        let counting = self.made_in().next();
        counting.map_or_else(PathBuf::new, |found| found.own.join(self.below_own()))
    }

    /// A shell that enters it and becomes the program that is added.
    #[must_use]
    pub fn entering(&self) -> Command {
        let enter = |folder: PathBuf| format!("echo $$ >{}/cgroup.procs && ", folder.display());
        let enter: String = self.folders().into_iter().map(enter).collect();
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{enter}exec \"$@\""), "sh"]);
        command
    }

    /// Its path below the test's own cgroup.
    #[must_use]
    pub fn below_own(&self) -> PathBuf {
        self.parent.join(&self.name)
    }

    /// The hierarchies of [`MADE_IN`], in that order.
    fn made_in(&self) -> impl Iterator<Item = &Hierarchy> {
        MADE_IN
            .iter()
            .filter_map(|wanted| self.hierarchies.iter().find(|found| found.has(wanted)))
    }

    /// Ends what runs inside and removes the folders.
    fn remove(&self) -> Result<()> {
        let parents: Vec<_> = self
            .hierarchies
            .iter()
            .map(|hierarchy| hierarchy.folder(&self.parent))
            .collect();
        until("the processes of a cgroup are gone", || {
            let mut left = false;
            for parent in parents.iter().filter(|parent| parent.exists()) {
                kill_below(parent)?;
                left |= !remove_below(parent)?;
            }
            Ok((!left).then_some(()))
        })
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            complain(&error);
        }
    }
}

impl Hierarchy {
    fn has(&self, controller: &str) -> bool {
        if controller.is_empty() {
            return self.controllers.is_empty();
        }
        self.controllers.split(',').any(|name| name == controller)
    }

    fn folder(&self, below_own: &Path) -> PathBuf {
        let own = self.own.strip_prefix("/").unwrap_or(&self.own);
        self.mount.join(own).join(below_own)
    }
}

/// The test's own cgroup in the hierarchy that counts, see [`Cgroup::path`].
///
/// # Errors
/// `/proc` is not there.
pub fn own_cgroup() -> Result<PathBuf> {
    let hierarchies = hierarchies()?;
    let counting = MADE_IN
        .iter()
        .find_map(|wanted| hierarchies.iter().find(|found| found.has(wanted)));
    Ok(counting.map_or_else(PathBuf::new, |found| found.own.clone()))
}

/// Every mounted hierarchy in which this process has a place.
fn hierarchies() -> Result<Vec<Hierarchy>> {
    let read = |path: &str| fs::read_to_string(path).map_err(Error::io("read", path));
    Ok(parse(
        &read("/proc/self/cgroup")?,
        &read("/proc/self/mounts")?,
    ))
}

/// Joins `ID:CONTROLLERS:PATH` with `SOURCE MOUNT TYPE OPTIONS ...`.
fn parse(places: &str, mounts: &str) -> Vec<Hierarchy> {
    let mut found = Vec::new();
    for place in places.lines() {
        let mut parts = place.splitn(3, ':').skip(1);
        let (Some(controllers), Some(own)) = (parts.next(), parts.next()) else {
            continue;
        };
        let mount = mounts.lines().find_map(|line| {
            let words: Vec<_> = line.split(' ').collect();
            let [_, mount, kind, options, ..] = words.as_slice() else {
                return None;
            };
            let matches = match (controllers, *kind) {
                ("", "cgroup2") => true,
                (some, "cgroup") if !some.is_empty() => some
                    .split(',')
                    .all(|name| options.split(',').any(|option| option == name)),
                _ => false,
            };
            matches.then(|| PathBuf::from(*mount))
        });
        if let Some(mount) = mount {
            found.push(Hierarchy {
                controllers: controllers.to_owned(),
                mount,
                own: own.into(),
            });
        }
    }
    found
}

/// Kills every process in a cgroup and in those below it.
fn kill_below(folder: &Path) -> Result<()> {
    for below in folders_of(folder)? {
        kill_below(&below)?;
    }
    let members = match fs::read_to_string(folder.join("cgroup.procs")) {
        Ok(members) => members,
        Err(error) if gone(&error) => return Ok(()),
        Err(error) => return Err(Error::io("read", folder)(error)),
    };
    for pid in members
        .lines()
        .filter_map(|line| Pid::from_raw(line.parse().ok()?))
    {
        // One that has gone in between needs no killing.
        if kill_process(pid, Signal::KILL).is_err() {}
    }
    Ok(())
}

/// Removes a cgroup and those below it; false when somebody is still inside.
fn remove_below(folder: &Path) -> Result<bool> {
    for below in folders_of(folder)? {
        if !remove_below(&below)? {
            return Ok(false);
        }
    }
    match fs::remove_dir(folder) {
        Ok(()) => Ok(true),
        Err(error) if gone(&error) => Ok(true),
        Err(error) if error.kind() == ErrorKind::ResourceBusy => Ok(false),
        Err(error) => Err(Error::io("remove", folder)(error)),
    }
}

fn folders_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if gone(&error) => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("list", folder)(error)),
    };
    // A cgroup has dozens of files: none is looked at more closely.
    let is_folder = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let found = entries.flatten().filter(is_folder);
    Ok(found.map(|entry| entry.path()).collect())
}

/// A cgroup that somebody else, its runtime, has removed meanwhile.
fn gone(error: &IoError) -> bool {
    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(Errno::NODEV.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Version 1, version 2 and a named hierarchy side by side, each found by its own mount.
    #[test]
    fn places_are_joined_with_their_mounts() {
        let places = "9:name=systemd:/\n4:cpu,memory:/a/b\n0::/slice\n7:pids:/unmounted\n";
        let mounts = "cgroup /cg/sd cgroup rw,name=systemd 0 0\n\
            cgroup /cg/mem cgroup rw,cpu,memory 0 0\ncgroup2 /cg/two cgroup2 rw 0 0\n";
        let found: Vec<_> = parse(places, mounts)
            .iter()
            .map(|hierarchy| hierarchy.folder(Path::new("x")))
            .collect();
        assert_eq!(
            found,
            ["/cg/sd/x", "/cg/mem/a/b/x", "/cg/two/slice/x"].map(PathBuf::from)
        );
    }
}
