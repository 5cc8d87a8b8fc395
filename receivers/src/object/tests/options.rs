use eunomia_core::config::Value;

use super::{node, object};
use crate::object::Object;

#[track_caller]
fn takes(object: &Object, global: &str, value: Value, expected: &[u8]) {
    let global = object.global(global).unwrap();
    let bytes = global.encode(&node(value)).unwrap();
    assert_eq!(bytes, expected);
    assert_eq!(bytes.len(), global.default.len());
}

#[track_caller]
fn refuses(object: &Object, global: &str, value: Value, reason: &str) {
    let error = object
        .global(global)
        .unwrap()
        .encode(&node(value))
        .unwrap_err();
    let error = error.to_string();
    assert!(
        error.starts_with("a.yaml:3:7: ") && error.contains(reason),
        "{error}"
    );
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn list(numbers: &[i128]) -> Value {
    Value::List(numbers.iter().map(|n| node(Value::Integer(*n))).collect())
}

/// Options have a key, a sentence, a unit, and the default that is compiled in.
#[test]
fn options_are_described_by_their_annotations() {
    let object = object("tagged");
    let keys: Vec<_> = object.options.iter().map(|option| &*option.key).collect();
    assert_eq!(keys, ["min_duration", "failed_only"]);
    let least = object.option("min_duration").unwrap();
    assert_eq!(&*least.doc, "Shorter ones are filtered");
    assert_eq!(&*least.global.name, "least");
    assert_eq!(least.global.default_value(), text("5ms"));
    let failed = object.option("failed_only").unwrap();
    assert_eq!(failed.global.default_value(), Value::Bool(false));
    takes(
        &object,
        "least",
        text("1s"),
        &1_000_000_000u64.to_le_bytes(),
    );
    refuses(&object, "least", text("soon"), "length of time");
    refuses(&object, "failed", Value::Integer(1), "expected");
}

/// What the loader sets itself is not for users.
#[test]
fn the_loaders_variables_are_not_settable() {
    let object = object("tagged");
    let settable: Vec<_> = object.settable_globals().map(|g| &*g.name).collect();
    assert_eq!(settable, ["least", "failed"]);
    for name in [
        "eun_filter_keys",
        "eunomia_abi",
        "kind_sample_event",
        "slot_on_sample",
    ] {
        assert!(object.global(name).is_some(), "{name}");
    }
}

/// Plain variables take what fits into their type.
#[test]
fn globals_take_values_of_their_type() {
    let object = object("foreign");
    takes(&object, "only", Value::Integer(7), &[7, 0, 0, 0]);
    takes(
        &object,
        "only",
        Value::Untyped("7".to_owned()),
        &[7, 0, 0, 0],
    );
    takes(&object, "offset", Value::Integer(-1), &[0xff; 8]);
    takes(&object, "who", text("you"), b"you\0\0\0\0\0");
    takes(&object, "who", text("sevenxx"), b"sevenxx\0");
    takes(&object, "ports", list(&[443]), &[0xbb, 1, 0, 0]);
    takes(&object, "wanted", text("ALLOWED"), &[0; 4]);
    takes(&object, "quiet", Value::Bool(false), &[0]);
    takes(&object, "ratio", Value::Float(1.5), &1.5f64.to_le_bytes());
    takes(&object, "hidden", Value::Integer(1), &[1, 0, 0, 0]);
}

/// What does not fit is refused at its place.
#[test]
fn globals_refuse_what_does_not_fit() {
    let object = object("foreign");
    refuses(&object, "only", Value::Integer(1 << 32), "expected");
    refuses(&object, "only", Value::Integer(-1), "expected");
    refuses(&object, "only", text("7"), "expected");
    refuses(&object, "who", text("eight888"), "at most 7 bytes");
    refuses(&object, "who", text("a\0b"), "without NUL");
    refuses(&object, "ports", list(&[1, 2, 3]), "at most 2 values");
    refuses(&object, "ports", list(&[1 << 16]), "expected");
    refuses(&object, "ports", Value::Integer(1), "expected a list");
    refuses(
        &object,
        "wanted",
        text("MAYBE"),
        "expected one of ALLOWED, DENIED",
    );
    refuses(&object, "quiet", Value::Integer(1), "expected");
}

/// Defaults are shown as a configuration would have them.
#[test]
fn defaults_are_read_from_the_object() {
    let object = object("foreign");
    let default = |name: &str| object.global(name).unwrap().default_value();
    assert_eq!(default("only"), Value::Integer(54321));
    assert_eq!(default("offset"), Value::Integer(-2));
    assert_eq!(default("who"), text("me"));
    assert_eq!(default("wanted"), text("DENIED"));
    assert_eq!(default("quiet"), Value::Bool(true));
    assert_eq!(default("ratio"), Value::Float(0.5));
    assert_eq!(default("hidden"), Value::Integer(9));
}
