use eunomia_core::value::OwnedValue;

use super::{compile, names, shown, text};
use crate::object::{Layout, MapType, Object, ObjectError};

fn layout(json: &str) -> Result<Layout, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

const OLD: &str = r#"{ "event": "open", "size": 168,
    "fields": { "pid": "u32@0", "filename": "char[127]@40", "also": " u8[4] @ 0" } }"#;

/// A record that BTF says nothing of is read by its layout.
#[test]
fn a_layout_describes_records_that_btf_does_not() {
    let bytes = compile("no_struct", "0");
    assert_eq!(
        Object::parse("old", &bytes).unwrap_err(),
        ObjectError::NoEvent
    );
    let layout = layout(OLD).unwrap();
    let object = Object::parse_with("old", &bytes, Some(&layout)).unwrap();
    let event = &object.events[0];
    assert_eq!((event.schema.name.name(), event.schema.size), ("open", 168));
    assert_eq!(
        names(event),
        [
            "eunomia.old.pid",
            "eunomia.old.filename",
            "eunomia.old.also"
        ]
    );
    let mut record = vec![0; 168];
    record[..4].copy_from_slice(&42u32.to_le_bytes());
    record[40..53].copy_from_slice(b"/etc/hostname");
    assert_eq!(
        shown(event, &record),
        [
            ("eunomia.old.pid".to_owned(), OwnedValue::Uint(42)),
            ("eunomia.old.filename".to_owned(), text("/etc/hostname")),
            (
                "eunomia.old.also".to_owned(),
                OwnedValue::Raw([42, 0, 0, 0].into())
            ),
        ]
    );
}

/// Maps defined in the form of before BTF are maps too.
#[test]
fn maps_of_the_older_form_are_found() {
    let bytes = compile("no_struct", "0");
    let object = Object::parse_with("old", &bytes, Some(&layout(OLD).unwrap())).unwrap();
    let map = object.map("old_map").unwrap();
    assert_eq!((map.map_type, map.max_entries), (MapType::Hash, 1024));
    assert_eq!((map.key_size, map.value_size), (4, 8));
}

/// Without a name of its own the event is called after the probe; what was
/// written can be written again.
#[test]
fn a_layout_without_a_name_is_called_after_the_probe() {
    let layout = layout(r#"{ "size": 8, "fields": { "t": "s64@0" } }"#).unwrap();
    let bytes = compile("no_struct", "0");
    let object = Object::parse_with("old", &bytes, Some(&layout)).unwrap();
    assert_eq!(object.events[0].schema.name.name(), "eunomia.old");
    let written = serde_json::to_string(&layout).unwrap();
    assert_eq!(written, r#"{"size":8,"fields":{"t":"s64@0"}}"#);
}

/// An object that tags its events does not take a layout.
#[test]
fn a_layout_does_not_replace_annotations() {
    let layout = layout(OLD).unwrap();
    let error = Object::parse_with("old", &compile("tagged", "0"), Some(&layout)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "describes its event sample.done itself: remove `layout`"
    );
}

#[track_caller]
fn refuses(json: &str, reason: &str) {
    let error = layout(json).unwrap_err();
    assert!(error.contains(reason), "{error}");
}

/// Every mistake is told with what was expected.
#[test]
fn layouts_with_mistakes_are_refused() {
    let field = |field: &str| format!(r#"{{ "size": 16, "fields": {{ "f": "{field}" }} }}"#);
    refuses(&field("u32"), "expected TYPE@OFFSET");
    refuses(&field("u33@0"), "unknown type \"u33\": known are u8");
    refuses(&field("char[@0"), "unknown type \"char[\"");
    refuses(&field("bool[4]@0"), "unknown type \"bool[4]\"");
    refuses(&field("char[0]@0"), "\"0\" is no length of an array");
    refuses(&field("char[x]@0"), "\"x\" is no length of an array");
    refuses(&field("u32@-1"), "\"-1\" is no offset");
    refuses(
        &field("u64@12"),
        "field f (u64@12) ends at byte 20, the record has 16 bytes",
    );
    refuses(
        r#"{ "size": 0, "fields": { "f": "u8@0" } }"#,
        "size 0 is no size",
    );
    refuses(r#"{ "size": 9, "fields": {} }"#, "has no fields");
    refuses(
        r#"{ "size": 9, "fields": { "a b": "u8@0" } }"#,
        "no name of a field",
    );
    refuses(
        r#"{ "size": 9, "fields": { "a": "u8@0", "a": "u8@1" } }"#,
        "field a is there twice",
    );
    refuses(
        r#"{ "size": 9, "fields": { "a": "u8@0" }, "x": 1 }"#,
        "unknown field",
    );
}
