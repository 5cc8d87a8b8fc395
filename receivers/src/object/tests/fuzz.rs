use std::sync::LazyLock;

use proptest::prelude::{ProptestConfig, any, prop, proptest};

use super::compile;
use crate::object::btf::Btf;
use crate::object::{Layout, LayoutField, Object};

static OBJECTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let names = ["tagged", "foreign", "metrics"];
    names.map(|name| compile(name, "0")).into()
});

/// Reads all that there is to read of a record and of each metric's entries.
fn use_all(object: &Object, record: &[u8]) {
    for event in &object.events {
        for attribute in &event.schema.attributes {
            attribute.visit(record, &mut |_, _| {});
        }
    }
    for metric in &object.metrics {
        metric.points(record, &[record], Default::default(), |_| {});
    }
    for global in &object.globals {
        let again = global.encode(&super::node(global.default_value()));
        assert!(again.is_err() || again.is_ok_and(|bytes| bytes.len() == global.default.len()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Objects with wrong bytes anywhere are read or refused.
    #[test]
    fn damaged_objects_are_read_or_refused(
        which in 0..3usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        record in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut bytes = OBJECTS[which].clone();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(object) = Object::parse("p", &bytes) {
            use_all(&object, &record);
        }
    }

    /// Types with wrong bytes are read or refused: cycles, wild references and
    /// counts that are too large too.
    #[test]
    fn damaged_types_are_read_or_refused(
        which in 0..3usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut bytes = OBJECTS[which].clone();
        let Some(start) = bytes.windows(3).position(|w| w == [0x9f, 0xeb, 1]) else {
            return Ok(());
        };
        for (place, byte) in changes {
            let place = start + 24 + place.index(1600);
            bytes[place] = byte;
        }
        if let Ok(object) = Object::parse("p", &bytes) {
            use_all(&object, &[0x41; 200]);
        }
    }

    /// Anything may stand in a `.BTF` section.
    #[test]
    fn any_bytes_are_types_or_not(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut section = vec![0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0];
        section.extend_from_slice(&200u32.to_le_bytes());
        section.extend_from_slice(&200u32.to_le_bytes());
        section.extend_from_slice(&100u32.to_le_bytes());
        section.extend_from_slice(&bytes);
        let parsed = Btf::parse(&section);
        assert!(parsed.is_ok() || parsed.is_err());
    }

    /// A field of a layout stands within its record, whatever is written.
    #[test]
    fn any_text_is_a_field_or_not(text in ".{0,20}", size in any::<u32>()) {
        let parsed = text.parse::<LayoutField>();
        assert!(parsed.is_ok() || parsed.is_err());
        let json = serde_json::json!({ "size": size, "fields": { "f": text } });
        let layout = serde_json::from_value::<Layout>(json);
        assert!(layout.is_ok() || layout.is_err());
    }
}
