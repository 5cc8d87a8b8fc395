//! A recording, read batch by batch.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

use eunomia_core::component::Host;
use eunomia_core::recording::{FrameHead, MAGIC, Player, RecordingError};
use eunomia_core::signal::Signal;

/// Why a recording cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// It cannot be opened or read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It is something else, or was written by another version.
    #[error("it is no recording of this version")]
    NoRecording,
    /// A part of it is damaged, with more behind it.
    #[error("at byte {offset}: {source}")]
    Damaged {
        /// Where the frame begins.
        offset: u64,
        /// What is wrong with it.
        source: RecordingError,
    },
    /// The last frame is not whole: whoever wrote it was killed.
    #[error("its last {bytes} bytes are cut off")]
    Torn {
        /// Bytes of the frame that are there.
        bytes: u64,
    },
}

/// An open recording.
#[derive(Debug)]
pub(super) struct Recording<R> {
    reader: R,
    player: Player,
    /// Where the next frame begins.
    offset: u64,
}

/// The machine that the recording at `path` was made on, if it says so.
///
/// # Errors
/// What kept its beginning from being read.
pub fn recorded_host(path: &Path) -> Result<Option<Host>, PlayError> {
    let mut recording = Recording::open(path)?;
    // The host's frame is the first; a batch behind it may be broken.
    recording.frame()?;
    Ok(recording.player.host().cloned())
}

impl Recording<BufReader<File>> {
    pub(super) fn open(path: &Path) -> Result<Self, PlayError> {
        Self::new(BufReader::new(File::open(path)?))
    }
}

/// One frame: a batch, something else, or none.
enum Step {
    Batch(Signal),
    Other,
    End,
}

impl<R: Read> Recording<R> {
    pub(super) fn new(mut reader: R) -> Result<Self, PlayError> {
        let mut magic = [0; MAGIC.len()];
        match reader.read_exact(&mut magic) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Err(PlayError::NoRecording);
            }
            other => other?,
        }
        if magic != *MAGIC {
            return Err(PlayError::NoRecording);
        }
        Ok(Self {
            reader,
            player: Player::default(),
            offset: MAGIC.len() as u64,
        })
    }

    /// The next batch; `None` at the end.
    ///
    /// # Errors
    /// That there is something else than a batch.
    pub(super) fn next(&mut self) -> Result<Option<Signal>, PlayError> {
        loop {
            match self.frame()? {
                Step::Batch(signal) => return Ok(Some(signal)),
                Step::Other => {}
                Step::End => return Ok(None),
            }
        }
    }

    fn frame(&mut self) -> Result<Step, PlayError> {
        let head = self.read(FrameHead::SIZE as u64)?;
        if head.is_empty() {
            return Ok(Step::End);
        }
        let Ok(head) = <[u8; FrameHead::SIZE]>::try_from(&*head) else {
            return Err(PlayError::Torn {
                bytes: head.len() as u64,
            });
        };
        let offset = self.offset;
        let damaged = |source| PlayError::Damaged { offset, source };
        let head = FrameHead::read(head).map_err(damaged)?;
        let content = self.read(head.length.into())?;
        let read = (FrameHead::SIZE + content.len()) as u64;
        if (content.len() as u64) < u64::from(head.length) {
            return Err(PlayError::Torn { bytes: read });
        }
        self.offset += read;
        let signal = self.player.frame(&head, &content).map_err(damaged)?;
        Ok(signal.map_or(Step::Other, Step::Batch))
    }

    /// Up to `length` bytes: fewer at the end. No more memory is taken than
    /// there are bytes, whatever a broken length says.
    fn read(&mut self, length: u64) -> Result<Vec<u8>, PlayError> {
        let mut bytes = Vec::new();
        (&mut self.reader).take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
