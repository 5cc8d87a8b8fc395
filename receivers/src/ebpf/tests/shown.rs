//! What is shown of probes that a configuration has, and may have.

use eunomia_core::config::{Node, Span, Value};
use eunomia_core::schema::IntegerSize;
use schemars::SchemaGenerator;
use serde_json::{Value as Json, json};

use crate::ebpf::{EbpfSettings, shown};

/// What a file has, as a configuration has it.
fn written(json: &Json) -> Node {
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::String(text) => Value::Text(text.clone()),
        Json::Object(keys) => {
            let mut map = Node::map(Span::whole("test"));
            for (key, value) in keys {
                map.insert(key, written(value));
            }
            return map;
        }
        Json::Number(_) | Json::Array(_) => unreachable!("no probe here has {json}"),
    };
    Node::new(value, Span::whole("test"))
}

fn effective(probes: Json) -> Json {
    let settings = written(&json!({ "probes": probes })).decode::<EbpfSettings>();
    serde_json::to_value(settings.unwrap()).unwrap()["probes"].take()
}

/// Options that are not written are shown with their defaults, unless a global sets them; a probe that
/// is wrong is shown as it is written.
#[test]
fn options_are_shown_with_their_defaults() {
    for (probes, expected) in [
        (
            json!({ "open": {} }),
            json!({ "open": { "failed_only": false } }),
        ),
        (
            json!({ "open": null }),
            json!({ "open": { "failed_only": false } }),
        ),
        (
            json!({ "process": { "min_duration": "5ms" }, "tcp": {} }),
            json!({ "process": { "min_duration": "5ms" }, "tcp": {} }),
        ),
        (
            json!({ "process": {} }),
            json!({ "process": { "min_duration": "0s" } }),
        ),
        (
            json!({ "open": { "globals": { "failed_only": true } } }),
            json!({ "open": { "globals": { "failed_only": true } } }),
        ),
        (
            json!({ "mine": { "object": "missing.bpf.o" } }),
            json!({ "mine": { "object": "missing.bpf.o" } }),
        ),
    ] {
        assert_eq!(effective(probes), expected);
    }
}

/// A number is as large as the variable that it becomes.
#[test]
fn the_schema_has_the_bounds_of_integers() {
    for (size, signed, least, most) in [
        (IntegerSize::One, false, 0, u64::from(u8::MAX)),
        (IntegerSize::Two, true, -32_768, 32_767),
        (IntegerSize::Eight, false, 0, u64::MAX),
        (IntegerSize::Eight, true, i64::MIN, i64::MAX.cast_unsigned()),
    ] {
        let schema = shown::integer_schema(size, signed).to_value();
        assert_eq!(schema["minimum"], json!(least), "{schema}");
        assert_eq!(schema["maximum"], json!(most), "{schema}");
    }
}

/// The schema knows the options of the built-in probes, their types and defaults; a probe of a user's
/// own has whatever options its object declares.
#[test]
fn the_schema_describes_the_probes() {
    let mut generator = SchemaGenerator::default();
    let schema = shown::probes_schema(&mut generator).to_value();
    let open = &schema["properties"]["open"]["anyOf"];
    assert_eq!(
        open[0]["properties"]["failed_only"],
        json!({ "type": "boolean", "description": "only opens that failed", "default": false }),
        "{schema}"
    );
    assert_eq!(open[0]["additionalProperties"], false, "{schema}");
    assert_eq!(
        schema["properties"]["process"]["anyOf"][0]["properties"]["min_duration"]["default"], "0s",
        "{schema}"
    );
    assert_eq!(schema["propertyNames"], json!({ "pattern": "^\\S+$" }));
    assert_eq!(
        schema["additionalProperties"]["required"],
        json!(["object"])
    );
}
