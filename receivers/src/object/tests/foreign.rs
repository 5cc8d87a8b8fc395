use eunomia_core::value::OwnedValue;

use super::{compile, names, object, text, value};
use crate::object::{FieldError, Hook, MapType, Object};

/// Every member that can be shown is an attribute; what cannot is listed with
/// its reason.
#[test]
fn a_foreign_struct_is_shown_as_it_is() {
    let object = object("foreign");
    let event = &object.events[0];
    assert_eq!(event.schema.name.name(), "eunomia.foreign");
    assert_eq!((&*event.record, &event.kind_global), ("event", &None));
    assert!(event.schema.header.is_none() && event.schema.lifecycle.is_none());
    let fields: Vec<_> = names(event)
        .into_iter()
        .map(|name| name.strip_prefix("eunomia.foreign.").unwrap())
        .collect();
    assert_eq!(
        fields,
        [
            "pid",
            "code",
            "when",
            "name",
            "digest",
            "ports",
            "words.0",
            "words.1",
            "failed",
            "tiny",
            "one",
            "verdict",
            "address",
            "load",
            "part",
            "device.major",
            "device.minor",
            "pair.0.major",
            "pair.0.minor",
            "pair.1.major",
            "pair.1.minor",
            "v4",
            "v6",
            "low",
            "middle",
            "negative",
            "last",
        ]
    );
    let skipped: Vec<_> = event
        .skipped
        .iter()
        .map(|skipped| (&*skipped.field, skipped.reason.clone()))
        .collect();
    let because = |what| FieldError::Type { what };
    assert_eq!(
        skipped,
        [
            ("huge", because("an integer of 16 bytes")),
            ("rest", because("an array without a length")),
        ]
    );
}

/// It has a classic tracepoint and a ring of its own, and no filter.
#[test]
fn a_foreign_object_has_its_own_ring_and_no_filter() {
    let object = object("foreign");
    assert!(!object.has_filter());
    assert_eq!(object.abi, None);
    let hook = Hook::Tracepoint {
        category: "syscalls".into(),
        name: "sys_enter_open".into(),
    };
    assert_eq!(object.programs[0].hook, hook);
    let rings: Vec<_> = object.own_rings().collect();
    assert_eq!(
        (&*rings[0].name, rings[0].map_type),
        ("rb", MapType::RingBuf)
    );
    assert_eq!((rings[0].max_entries, rings[0].is_pinned), (4096, false));
    let globals: Vec<_> = object.settable_globals().map(|g| &*g.name).collect();
    assert_eq!(
        globals,
        [
            "only", "offset", "who", "ports", "wanted", "quiet", "ratio", "hidden"
        ]
    );
}

/// Literal bytes are read by their types.
#[test]
fn a_foreign_record_is_read_by_its_types() {
    let object = object("foreign");
    let event = &object.events[0];
    let mut record = vec![0; usize::try_from(event.schema.size).unwrap()];
    let mut put = |field: &str, bytes: &[u8]| {
        let position = event.schema.position(&format!("eunomia.foreign.{field}"));
        let attribute = &event.schema.attributes[position.unwrap()];
        let at = usize::try_from(attribute.field.offset).unwrap();
        record[at..at + bytes.len()].copy_from_slice(bytes);
    };
    put("pid", &54321u32.to_le_bytes());
    put("code", &(-2i32).to_le_bytes());
    put("name", b"cat\0rubbish");
    put("digest", &[0xde, 0xad, 0xbe, 0xef]);
    put("words.1", b"abcd");
    put("failed", &[1]);
    put("tiny", &[0xff]);
    put("one", b"x");
    put("verdict", &7u32.to_le_bytes());
    put("address", &0xffff_8000_0000_0010u64.to_le_bytes());
    put("load", &0.5f64.to_le_bytes());
    put("part", &0.25f32.to_le_bytes());
    put("pair.1.minor", &3u16.to_le_bytes());
    put("v6", &[1; 16]);
    put("low", &[0b1010_1101, 0b0000_0010]);
    put("negative", &[0b1100_0110 | 2, 0b0000_0011]);
    let reads = |field: &str, expected: OwnedValue| {
        let name = format!("eunomia.foreign.{field}");
        assert_eq!(value(event, &record, &name), Some(expected), "{field}");
    };
    reads("pid", OwnedValue::Uint(54321));
    reads("code", OwnedValue::Int(-2));
    reads("name", text("cat"));
    reads("digest", OwnedValue::Raw([0xde, 0xad, 0xbe, 0xef].into()));
    reads("words.0", text(""));
    reads("words.1", text("abcd"));
    reads("failed", OwnedValue::Bool(true));
    reads("tiny", OwnedValue::Int(-1));
    reads("verdict", text("DENIED"));
    reads("address", text("ffff800000000010"));
    reads("load", OwnedValue::Float(0.5));
    reads("part", OwnedValue::Float(0.25));
    reads("pair.1.minor", OwnedValue::Uint(3));
    reads("v4", OwnedValue::Uint(0x0101_0101));
    reads("v6", OwnedValue::Raw([1; 16].into()));
}

/// Files are read to wherever there is room: no alignment is asked of them.
#[test]
fn objects_are_read_at_any_address() {
    let bytes = compile("foreign", "0");
    for shift in 1..8 {
        let mut moved = vec![0; shift];
        moved.extend_from_slice(&bytes);
        assert!(Object::parse("foreign", &moved[shift..]).is_ok(), "{shift}");
    }
}
