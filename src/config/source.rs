//! The texts that a configuration was written in, kept for the messages about it.

use std::{
    fs,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use eunomia_core::config::{ConfigError, Span};

/// More text than this is no configuration.
const LARGEST_FILE_BYTES: u64 = 16 << 20;

/// One text: a file, or an argument of the command line.
#[derive(Clone, Debug)]
pub struct Source {
    /// What messages call it: the path as it was given, `--set KEY`.
    pub name: Arc<str>,
    /// The text.
    pub text: Arc<str>,
}

impl Source {
    /// A text that was given otherwise than in a file.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Why it can't be read, at its first character.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let name: Arc<str> = path.to_string_lossy().into();
        let refuse =
            |message: String| ConfigError::new(Span::new(Arc::clone(&name), 1, 1), "", message);
        let read = || {
            let mut bytes = Vec::new();
            fs::File::open(path)?
                .take(LARGEST_FILE_BYTES + 1)
                .read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|error: io::Error| refuse(format!("can't be read: {error}")))?;
        if bytes.len() as u64 > LARGEST_FILE_BYTES {
            return Err(refuse(
                "is larger than 16 MiB, which no configuration is".to_owned(),
            ));
        }
        match str::from_utf8(&bytes) {
            Ok(text) => Ok(Self {
                text: text.into(),
                name,
            }),
            Err(error) => {
                let at = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let line = at.iter().filter(|byte| **byte == b'\n').count() + 1;
                Err(refuse(format!(
                    "expected UTF-8 text; line {line} has other bytes"
                )))
            }
        }
    }

    /// The line with this number, counted from 1.
    pub fn line(&self, number: u32) -> Option<&str> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.text.lines().nth(index)
    }
}
