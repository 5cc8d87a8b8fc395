//! Decoding, units, places: data in, data out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    ByteSize, ConfigErrors, Duration, Entry, Node, Secret, Span, Spanned, Value, decode_partly,
};

/// Turns JSON into nodes, one line a value; text that begins with `$` is untyped.
fn node(json: serde_json::Value) -> Node {
    fn convert(json: serde_json::Value, line: &mut u32) -> Node {
        *line += 1;
        let span = Span::new("a.yaml", *line, 1);
        let value = match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(value),
            serde_json::Value::Number(number) => match number.as_i128() {
                Some(number) => Value::Integer(number),
                None => Value::Float(number.as_f64().unwrap()),
            },
            serde_json::Value::String(text) => match text.strip_prefix('$') {
                Some(text) => Value::Untyped(text.to_owned()),
                None => Value::Text(text),
            },
            serde_json::Value::Array(items) => {
                Value::List(items.into_iter().map(|item| convert(item, line)).collect())
            }
            serde_json::Value::Object(map) => {
                let mut entries = Vec::new();
                for (key, value) in map {
                    let node = convert(value, line);
                    let key_span = node.span.clone();
                    entries.push(Entry {
                        key,
                        key_span,
                        node,
                    });
                }
                Value::Map(entries)
            }
        };
        Node::new(value, span)
    }
    let mut node = convert(json, &mut 0);
    node.set_paths("x");
    node
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Toy {
    port: u16,
    ratio: f64,
    name: String,
    flag: bool,
    list: Vec<u32>,
    size: ByteSize,
    wait: Duration,
    mode: Mode,
    token: Option<Secret>,
    inner: Option<Inner>,
    by_name: BTreeMap<String, Spanned<i64>>,
    raw: Option<Node>,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Block,
    DropOldest,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    path: String,
    depth: u8,
}

#[track_caller]
fn reads(json: serde_json::Value, expected: Toy) {
    assert_eq!(node(json).decode::<Toy>().unwrap(), expected);
}

#[track_caller]
fn refuses(json: serde_json::Value, expected: &[&str]) {
    let ConfigErrors(errors) = node(json).decode::<Toy>().unwrap_err();
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors, expected);
}

/// Every type takes what it is for, and nothing at all stands for an empty map.
#[test]
fn right_values_are_read() {
    reads(json!(null), Toy::default());
    reads(
        json!({"port": 80, "ratio": 1, "name": "42", "flag": true, "list": [1, 2], "size": "64MiB", "wait": "1m30s",
            "mode": "drop_oldest", "token": "t", "inner": {"path": "p", "depth": 3}, "by_name": {"a": -1}}),
        Toy {
            port: 80,
            ratio: 1.0,
            name: "42".to_owned(),
            flag: true,
            list: vec![1, 2],
            size: ByteSize::mib(64),
            wait: Duration::seconds(90),
            mode: Mode::DropOldest,
            token: Some(Secret::new("t")),
            inner: Some(Inner {
                path: "p".to_owned(),
                depth: 3,
            }),
            by_name: [("a".to_owned(), Spanned::unwritten(-1))].into(),
            raw: None,
        },
    );
}

/// Untyped text has the type of the field, and stays text where text is wanted.
#[test]
fn untyped_text_takes_the_type_of_its_field() {
    reads(
        json!({"port": "$80", "name": "$80", "flag": "$true", "mode": "$block", "wait": "$10s", "size": "$12"}),
        Toy {
            port: 80,
            name: "80".to_owned(),
            flag: true,
            size: ByteSize(12),
            wait: Duration::seconds(10),
            ..Toy::default()
        },
    );
    refuses(
        json!({"port": "$x", "flag": "$yes"}),
        &[
            "a.yaml:2:1: x.port: expected a whole number from 0 to 65535, found text \"x\"",
            "a.yaml:3:1: x.flag: expected `true` or `false`, found text \"yes\"",
        ],
    );
}

/// No value is converted into another type.
#[test]
fn nothing_is_coerced() {
    for (key, value, expected) in [
        (
            "port",
            json!(80.7),
            "expected a whole number from 0 to 65535, found the number 80.7",
        ),
        (
            "port",
            json!(70000),
            "expected a whole number from 0 to 65535, found the number 70000",
        ),
        (
            "port",
            json!("80"),
            "expected a whole number from 0 to 65535, found text \"80\"",
        ),
        (
            "name",
            json!(42),
            "expected text (in quotes), found the number 42",
        ),
        ("name", json!(null), "expected text, found nothing"),
        (
            "flag",
            json!("yes"),
            "expected `true` or `false`, found text \"yes\"",
        ),
        (
            "flag",
            json!(1),
            "expected `true` or `false`, found the number 1",
        ),
        (
            "list",
            json!(1),
            "expected a list, such as [a, b], found the number 1",
        ),
        (
            "wait",
            json!(5),
            "expected a length of time with its unit (ns, us, ms, s, m, h, d), such as 10s; found the number 5 without one",
        ),
        (
            "size",
            json!("2Mib"),
            "expected a size with its unit (B, kB, KiB, MB, MiB, GB, GiB), such as 64MiB; found text \"2Mib\"",
        ),
        (
            "mode",
            json!("block_"),
            "expected one of block, drop_oldest; found \"block_\"",
        ),
        (
            "inner",
            json!("p"),
            "expected a map with keys out of path, depth, found text \"p\"",
        ),
        (
            "by_name",
            json!([1]),
            "expected a map, such as { key: value }, found a list",
        ),
        ("token", json!(815), "expected text (in quotes)"),
    ] {
        refuses(
            json!({ key: value }),
            &[&format!("a.yaml:2:1: x.{key}: {expected}")],
        );
    }
}

/// One run shows everything that is wrong, without what merely follows from it.
#[test]
fn all_errors_come_at_once() {
    refuses(
        json!({"prot": 1, "list": [1, "a", 2, -3], "inner": {"path": 1, "depth": 300, "more": 1}, "flag": "no"}),
        &[
            "a.yaml:2:1: x.prot: unknown key `prot`",
            "a.yaml:5:1: x.list[1]: expected a whole number from 0 to 4294967295, found text \"a\"",
            "a.yaml:7:1: x.list[3]: expected a whole number from 0 to 4294967295, found the number -3",
            "a.yaml:9:1: x.inner.path: expected text (in quotes), found the number 1",
            "a.yaml:10:1: x.inner.depth: expected a whole number from 0 to 255, found the number 300",
            "a.yaml:11:1: x.inner.more: unknown key `more`",
            "a.yaml:12:1: x.flag: expected `true` or `false`, found text \"no\"",
        ],
    );
    refuses(
        json!({"inner": {"path": "p"}, "flag": 0}),
        &[
            "a.yaml:2:1: x.inner: the key `depth` is missing",
            "a.yaml:4:1: x.flag: expected `true` or `false`, found the number 0",
        ],
    );
}

/// An unknown key is answered with the one that was meant and with all there are.
#[test]
fn unknown_keys_are_answered_with_the_known_ones() {
    let errors = node(json!({"prot": 1})).decode::<Toy>().unwrap_err();
    let help = errors
        .0
        .first()
        .and_then(|error| error.help.clone())
        .unwrap();
    assert!(
        help.starts_with("did you mean `port`? The known keys: port, ratio, name"),
        "{help}"
    );
}

/// What a component keeps for later has places and paths, untyped text included.
#[test]
fn a_captured_node_keeps_its_places() {
    let toy: Toy = node(json!({"raw": {"a.b": ["$5", null]}}))
        .decode()
        .unwrap();
    let raw = toy.raw.unwrap();
    let list = raw.get("a.b").unwrap();
    assert_eq!((&*list.path, list.span.line), ("x.raw.\"a.b\"", 3));
    assert_eq!(list.items()[0].value, Value::Untyped("5".to_owned()));
    assert_eq!(list.items()[0].decode::<u8>(), Ok(5));
    assert_eq!(raw.nearest(&["a.b", "1", "c"]).span.line, 5);
}

/// Secrets are handed to whom they belong and shown to nobody.
#[test]
fn secrets_are_not_shown() {
    let (toy, _, secrets) = decode_partly::<Toy>(&node(json!({"token": "s3cret", "port": "x"})));
    let toy = toy.unwrap();
    assert_eq!(toy.token.as_ref().map(Secret::reveal), Some("s3cret"));
    assert_eq!(secrets, ["s3cret"]);
    assert!(!format!("{toy:?}").contains("s3cret"));
    assert!(!serde_json::to_string(&toy).unwrap().contains("s3cret"));
}

/// Sizes and times are shown in a form that reads back as the same.
#[test]
fn units_read_back() {
    for (text, shown, bytes) in [
        ("0", "0B", 0),
        ("1", "1B", 1),
        ("1024", "1KiB", 1024),
        ("1.5 KiB", "1536B", 1536),
        ("2MiB", "2MiB", 2 << 20),
        ("3MB", "3MB", 3_000_000),
        ("5kB", "5kB", 5_000),
    ] {
        let size: ByteSize = text.parse().unwrap();
        assert_eq!(
            (size, size.to_string().as_str()),
            (ByteSize(bytes), shown),
            "{text}"
        );
        assert_eq!(shown.parse(), Ok(size));
    }
    for (text, shown, millis) in [
        ("0", "0s", 0),
        ("200ms", "200ms", 200),
        ("1.5s", "1500ms", 1500),
        ("90s", "90s", 90_000),
        ("1h30m", "90m", 5_400_000),
        ("24h", "1d", 86_400_000),
    ] {
        let time: Duration = text.parse().unwrap();
        assert_eq!(
            (time, time.to_string().as_str()),
            (Duration::millis(millis), shown),
            "{text}"
        );
        assert_eq!(shown.parse(), Ok(time));
    }
}

/// What has no unit, an unknown one, or is too large, is refused.
#[test]
fn wrong_units_are_refused() {
    for text in [
        "",
        "-1B",
        "MiB",
        "1 XB",
        "1mib",
        "99999999999TiB",
        "1.B",
        "1MiB2",
    ] {
        assert!(text.parse::<ByteSize>().is_err(), "{text}");
    }
    for text in ["", "5", "-1s", "s", "1S", "1h30", "999999999999d", "1..5s"] {
        assert!(text.parse::<Duration>().is_err(), "{text}");
    }
}
