//! Compression of what leaves the program.

use std::borrow::Cow;
use std::io::{self, Write as _};

use flate2::write::GzEncoder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How bytes are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// With gzip, which everybody understands.
    Gzip,
    /// With Zstandard: smaller and faster, where it is understood.
    Zstd,
}

impl Compression {
    /// `bytes` as one complete gzip member or Zstandard frame; several of them
    /// one after another are what `zcat` and `zstdcat` read as one.
    ///
    /// # Errors
    /// That memory is short.
    pub fn compress(self, bytes: &[u8]) -> io::Result<Cow<'_, [u8]>> {
        Ok(match self {
            Self::None => bytes.into(),
            Self::Gzip => gzip(bytes)?.into(),
            Self::Zstd => zstd::bulk::compress(bytes, zstd::DEFAULT_COMPRESSION_LEVEL)?.into(),
        })
    }

    /// The `Content-Encoding` of what was compressed.
    pub(crate) fn encoding(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::MultiGzDecoder;

    use super::Compression;

    /// Members and frames that follow each other are one text to a reader.
    #[test]
    fn what_was_compressed_in_parts_is_read_as_one() {
        let text = b"one line\n".repeat(1000);
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let part = compression.compress(&text).unwrap();
            let whole = [&*part, &*part].concat();
            let read = match compression {
                Compression::None => whole,
                Compression::Gzip => {
                    let mut read = Vec::new();
                    MultiGzDecoder::new(&*whole).read_to_end(&mut read).unwrap();
                    read
                }
                Compression::Zstd => zstd::decode_all(&*whole).unwrap(),
            };
            assert_eq!(read, [&*text, &*text].concat(), "{compression:?}");
        }
    }
}
