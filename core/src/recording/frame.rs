//! Frames: kind, length, checksum, content.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::batch::BrokenBatch;

/// What a recording begins with: its name and the version of its format.
pub const MAGIC: &[u8; 8] = b"EUNREC\x00\x02";

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// The machine that the recording was made on.
    Host,
    /// A schema, with the number by which batches refer to it.
    Schema,
    /// Events.
    Events,
    /// Metric points.
    Metrics,
}

/// The beginning of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHead {
    /// What it holds.
    pub kind: FrameKind,
    /// Bytes of its content.
    pub length: u32,
    checksum: u32,
}

/// Why a recording cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// A frame of a kind that this version does not know.
    #[error("the kind of a frame is {found}, which this version does not know")]
    UnknownKind {
        /// The number of the kind.
        found: u8,
    },
    /// The content does not have its checksum.
    #[error("a frame is damaged: its checksum is another")]
    Damaged,
    /// A batch of more than 4 GiB.
    #[error("a batch is too large to be recorded")]
    TooLarge,
    /// The content of a frame cannot be written or is not what its kind says.
    #[error("the content of a frame is not what it should be: {source}")]
    Content {
        /// What the codec says.
        #[from]
        source: postcard::Error,
    },
    /// Rows of a batch refer to what is not there.
    #[error(transparent)]
    Broken(#[from] BrokenBatch),
    /// A frame refers to a schema or an actor that is not there.
    #[error("a batch refers to a schema, a process or a container that is not there")]
    Missing,
}

impl FrameHead {
    /// Bytes of the beginning of a frame.
    pub const SIZE: usize = 9;

    /// Reads the beginning of a frame.
    ///
    /// # Errors
    /// That it is of an unknown kind.
    pub fn read(bytes: [u8; Self::SIZE]) -> Result<Self, RecordingError> {
        let [kind, a, b, c, d, e, f, g, h] = bytes;
        Ok(Self {
            kind: FrameKind::from_number(kind)?,
            length: u32::from_le_bytes([a, b, c, d]),
            checksum: u32::from_le_bytes([e, f, g, h]),
        })
    }

    /// Checks that `content` is what was written.
    ///
    /// # Errors
    /// That it is not.
    pub(super) fn check(&self, content: &[u8]) -> Result<(), RecordingError> {
        let is_whole = usize::try_from(self.length) == Ok(content.len());
        if is_whole && checksum(self.kind, content) == self.checksum {
            Ok(())
        } else {
            Err(RecordingError::Damaged)
        }
    }
}

impl FrameKind {
    const ALL: [Self; 4] = [Self::Host, Self::Schema, Self::Events, Self::Metrics];

    fn number(self) -> u8 {
        match self {
            Self::Host => 1,
            Self::Schema => 2,
            Self::Events => 3,
            Self::Metrics => 4,
        }
    }

    fn from_number(found: u8) -> Result<Self, RecordingError> {
        let is_it = |kind: &Self| kind.number() == found;
        let known = Self::ALL.into_iter().find(is_it);
        known.ok_or(RecordingError::UnknownKind { found })
    }
}

/// Of the content and its kind, so that neither is taken for another.
fn checksum(kind: FrameKind, content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[kind.number()]);
    hasher.update(content);
    hasher.finalize()
}

/// Appends a frame: `meta` encoded, its length before it, and `raw` behind it.
/// Records are raw because a codec would touch each of their bytes.
pub(super) fn write_frame(
    kind: FrameKind,
    meta: &impl Serialize,
    raw: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), RecordingError> {
    let meta = postcard::to_stdvec(meta)?;
    let mut content = Vec::with_capacity(4 + meta.len() + raw.len());
    content.extend_from_slice(&length(meta.len())?.to_le_bytes());
    content.extend_from_slice(&meta);
    content.extend_from_slice(raw);
    out.push(kind.number());
    out.extend_from_slice(&length(content.len())?.to_le_bytes());
    out.extend_from_slice(&checksum(kind, &content).to_le_bytes());
    out.extend_from_slice(&content);
    Ok(())
}

/// Takes a frame's content apart.
pub(super) fn read_content<M: DeserializeOwned>(
    content: &[u8],
) -> Result<(M, &[u8]), RecordingError> {
    let (length, rest) = content.split_first_chunk().ok_or(RecordingError::Damaged)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let (meta, raw) = rest
        .split_at_checked(length)
        .ok_or(RecordingError::Damaged)?;
    Ok((postcard::from_bytes(meta)?, raw))
}

fn length(bytes: usize) -> Result<u32, RecordingError> {
    u32::try_from(bytes).ok().ok_or(RecordingError::TooLarge)
}
