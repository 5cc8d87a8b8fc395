//! What an event must be, whole: every attribute and no other.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use serde_json::{Map, Value};

use crate::{Bytes, Error, Event, Image, Result, own_cgroup};

/// Where something happens, as far as every event of that place has it.
#[derive(Clone, Debug)]
pub struct Place {
    /// `host.name`.
    pub host: String,
    /// `process.linux.cgroup`.
    pub cgroup: Bytes,
    /// `container.id`, and `container.runtime.name` where the cgroup tells.
    pub container: Option<(String, Option<&'static str>)>,
}

impl Place {
    /// Where the test itself runs, outside of any container.
    ///
    /// # Errors
    /// `/proc` cannot be read.
    pub fn here() -> Result<Self> {
        const NAME: &str = "/proc/sys/kernel/hostname";
        let host = fs::read_to_string(NAME).map_err(Error::io("read", NAME))?;
        Ok(Self {
            host: host.trim_end().to_owned(),
            cgroup: Bytes::from(&own_cgroup()?),
            container: None,
        })
    }
}

/// An event as it must be; `time` is compared by nobody but the test.
#[derive(Clone, Debug)]
pub struct Expected(Map<String, Value>);

impl Expected {
    /// An event of `kind` whose actor runs `image`, with the ids of its image and its parent's.
    #[must_use]
    pub fn of(kind: &str, image: &Image, place: &Place, ids: (&str, &str)) -> Self {
        let name = image.executable.as_path().file_name().unwrap_or_default();
        let expected = Self(Map::new())
            .with("event", kind)
            .with("host.name", place.host.as_str())
            .with("process.pid", image.pid)
            .with("process.vpid", image.pid)
            .with("eunomia.process.tid", image.pid)
            .with("process.parent_pid", image.parent_pid)
            .with("process.group_leader.pid", image.group)
            .with("process.user.id", image.user)
            .text("eunomia.process.comm", &image.comm)
            .text("process.executable.path", &image.executable)
            .text("process.executable.name", &Bytes(name.as_bytes().into()))
            .with("eunomia.process.exec_id", ids.0)
            .with("eunomia.process.parent_exec_id", ids.1)
            .text("process.linux.cgroup", &place.cgroup);
        match &place.container {
            None => expected,
            Some((id, runtime)) => expected
                .with("container.id", id.as_str())
                .with_some("container.runtime.name", *runtime),
        }
    }

    /// An event of `kind` by the actor of another event, of the same image.
    #[must_use]
    pub fn like(other: &Event, kind: &str) -> Self {
        const ACTOR: [&str; 17] = [
            "host.name",
            "process.pid",
            "process.vpid",
            "eunomia.process.tid",
            "process.parent_pid",
            "process.group_leader.pid",
            "process.user.id",
            "eunomia.process.comm",
            "eunomia.process.comm_raw",
            "process.executable.path",
            "process.executable.name",
            "eunomia.process.exec_id",
            "eunomia.process.parent_exec_id",
            "process.linux.cgroup",
            "container.id",
            "container.runtime.name",
            "process.executable.name_raw",
        ];
        let present = ACTOR.iter().filter_map(|name| {
            let value = other.get(name)?;
            Some(((*name).to_owned(), value.clone()))
        });
        Self(present.collect()).with("event", kind)
    }

    /// Adds an attribute, or changes it.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Adds an attribute that may be absent.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds a text, with its exact bytes beside it where they are not UTF-8.
    #[must_use]
    pub fn text(self, name: &str, bytes: &Bytes) -> Self {
        let raw = exact(bytes);
        let with_text = self.with(name, lossy(bytes));
        match raw {
            None => with_text,
            Some(raw) => with_text.with(&format!("{name}_raw"), raw),
        }
    }

    /// Adds a list of texts, likewise.
    #[must_use]
    pub fn texts(self, name: &str, list: &[Bytes]) -> Self {
        let texts: Vec<_> = list.iter().map(lossy).collect();
        let raw: Vec<_> = list.iter().map(exact).collect();
        let with_texts = self.with(name, texts);
        if raw.iter().all(Option::is_none) {
            with_texts
        } else {
            with_texts.with(&format!("{name}_raw"), raw)
        }
    }

    /// Takes an attribute away.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// Every attribute in which `event` differs, `time` apart, as `name: is ..., expected ...`.
    #[must_use]
    pub fn differences(&self, event: &Event) -> Vec<String> {
        let mut names: Vec<_> = event.names().chain(self.0.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let shown = |value: Option<&Value>| value.map_or_else(|| "absent".into(), Value::to_string);
        let differing = names
            .into_iter()
            .filter(|name| *name != "time" && event.get(name) != self.0.get(*name));
        differing
            .map(|name| {
                let (is, expected) = (shown(event.get(name)), shown(self.0.get(name)));
                format!("{name}: is {is}, expected {expected}")
            })
            .collect()
    }
}

fn lossy(bytes: &Bytes) -> String {
    String::from_utf8_lossy(&bytes.0).into_owned()
}

/// The bytes in hexadecimal, where they are not UTF-8.
fn exact(bytes: &Bytes) -> Option<String> {
    str::from_utf8(&bytes.0).is_err().then(|| bytes.to_hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value that is wrong, one too many and one too few are told apart, in the order of names.
    #[test]
    fn every_difference_is_named() {
        let expected = Expected(Map::new())
            .with("a", 1)
            .with("b", 2)
            .text("c", &Bytes(b"x\xff".to_vec()))
            .texts("d", &[Bytes(b"y".to_vec()), Bytes(b"\xfe".to_vec())]);
        let same = r#"{"time":"t","a":1,"b":2,"c":"x\ufffd","c_raw":"78ff",
            "d":["y","\ufffd"],"d_raw":[null,"fe"]}"#;
        let same = Event::read(same).unwrap();
        assert_eq!(expected.differences(&same), Vec::<String>::new());
        let other = Event::read(r#"{"time":"t","a":2,"c":"x\ufffd","e":0,"d":["y"]}"#).unwrap();
        let found = expected.differences(&other);
        let names: Vec<_> = found
            .iter()
            .filter_map(|line| line.split(':').next())
            .collect();
        assert_eq!(names, ["a", "b", "c_raw", "d", "d_raw", "e"]);
        assert_eq!(found.first().unwrap(), "a: is 2, expected 1");
    }
}
