//! Looking for bytes that cannot stand in a text as they are: most texts have
//! none.

/// The position of the first byte that is special.
pub(crate) fn first_special(text: &[u8], is_special: impl Fn(u8) -> bool + Copy) -> Option<usize> {
    if !has_special(text, is_special) {
        return None;
    }
    text.iter().copied().position(is_special)
}

/// Whether a byte is special.
pub(crate) fn has_special(text: &[u8], is_special: impl Fn(u8) -> bool + Copy) -> bool {
    in_chunks::<16>(text, is_special)
        .or_else(|| in_chunks::<8>(text, is_special))
        .unwrap_or_else(|| text.iter().copied().any(is_special))
}

/// The same of a text that is as long as a chunk. Looking at all bytes of a
/// chunk, instead of stopping at the first, is one comparison of vectors; the
/// last chunk laps over the one before it.
fn in_chunks<const CHUNK: usize>(
    text: &[u8],
    is_special: impl Fn(u8) -> bool + Copy,
) -> Option<bool> {
    let last = text.last_chunk()?;
    let has = |chunk: &[u8; CHUNK]| {
        chunk
            .iter()
            .fold(false, |found, &byte| found | is_special(byte))
    };
    Some(text.as_chunks().0.iter().any(has) || has(last))
}

#[cfg(test)]
mod tests {
    use super::{first_special, has_special};

    /// Wherever it stands in texts around the borders of chunks, it is found.
    #[test]
    fn a_special_byte_is_found_wherever_it_is() {
        for length in 0..70 {
            let mut text = vec![b'a'; length];
            assert_eq!(first_special(&text, |byte| byte == b'"'), None);
            for at in 0..length {
                text[at] = b'"';
                assert!(has_special(&text, |byte| byte == b'"'));
                assert_eq!(first_special(&text, |byte| byte == b'"'), Some(at));
                text[at] = b'a';
            }
        }
    }
}
