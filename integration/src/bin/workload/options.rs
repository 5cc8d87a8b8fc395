//! Options of a subcommand, written `name=value`.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use eunomia_integration::{Error, Result};

/// The options that were given and not asked for yet.
#[derive(Debug)]
pub(crate) struct Options(BTreeMap<String, String>);

impl Options {
    pub(crate) fn read(words: impl Iterator<Item = String>) -> Result<Self> {
        let pair = |word: String| match word.split_once('=') {
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => Err(Error::program(
                "workload",
                format!("{word:?} is not NAME=VALUE"),
            )),
        };
        words.map(pair).collect::<Result<_>>().map(Self)
    }

    /// A value that has a default.
    pub(crate) fn value<T>(&mut self, name: &str, default: T) -> Result<T>
    where
        T: FromStr<Err: Display>,
    {
        match self.0.remove(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|error| Error::program("workload", format!("{name}={text}: {error}"))),
        }
    }

    /// A path that must be given.
    pub(crate) fn path(&mut self, name: &str) -> Result<PathBuf> {
        let given = self.0.remove(name).map(PathBuf::from);
        given.ok_or_else(|| Error::program("workload", format!("{name}=PATH is missing")))
    }

    /// Whether `name=yes` was given.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some_and(|value| value == "yes")
    }

    /// Refuses what nobody asked for.
    pub(crate) fn finish(self) -> Result<()> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(Error::program("workload", format!("unknown option {name}"))),
        }
    }
}
