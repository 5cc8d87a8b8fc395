//! The console's table, looked at as a terminal does.

use eunomia_exporters::{ConsoleConfig, ConsoleEncoder, ConsoleStyle, Lines};

use crate::input::Input;

/// Nothing but text, line ends and our own colours; in a pipe a line for each.
pub fn console(data: &[u8]) {
    let Some(input) = Input::new(data) else {
        return;
    };
    let width = data.first().map(|first| 40 + usize::from(*first));
    let items = [input.events.len(), input.points.points.len()];
    let config = ConsoleConfig::default();
    for (signal, items) in input.signals().iter().zip(items) {
        for (color, width) in [(false, None), (false, width), (true, width)] {
            let mut encoder = ConsoleEncoder::new(&config, "node-1", ConsoleStyle { color, width });
            let mut lines = Lines::default();
            encoder.encode(signal, &mut lines);
            let text = str::from_utf8(&lines.bytes).expect("UTF-8");
            let text = if color {
                without_colors(text)
            } else {
                text.to_owned()
            };
            let plain = text.replace('\n', "");
            assert!(!plain.contains(is_obeyed), "{plain:?}");
            assert!(text.lines().count() >= items);
            assert!(width.is_some() || text.lines().count() == items, "{text:?}");
            assert_eq!(
                lines.complete(lines.bytes.len()),
                (items, lines.bytes.len())
            );
        }
    }
}

/// The text without sequences that begin or end a colour.
fn without_colors(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('m').expect("a colour ends in m");
        assert!(
            !code.is_empty() && code.bytes().all(|b| b.is_ascii_digit()),
            "{code:?}"
        );
        plain.push_str(rest);
    }
    plain
}

/// What would move the cursor, or turn or hide what surrounds it.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}
