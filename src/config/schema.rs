//! The JSON Schema of the whole file, for editors and for checks elsewhere.

use std::mem;

use eunomia_core::config::Factory;
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Map, Value, json};

use super::{registry::Registry, service::Service};

/// The schema of a file that may name the components of `registry`.
pub fn schema<R: ?Sized, P: ?Sized, E: ?Sized>(registry: &Registry<R, P, E>) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let receivers = section(
        "Where events come from.",
        registry.receivers,
        &mut generator,
    );
    let processors = section(
        "What is done with events.",
        registry.processors,
        &mut generator,
    );
    let exporters = section("Where events go.", registry.exporters, &mut generator);
    let service = generator.subschema_for::<Service>();
    let mut schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Eunomia pipeline",
        "type": "object",
        "required": ["version", "service"],
        "additionalProperties": false,
        "properties": {
            "version": { "description": "The version of this format.", "const": 1 },
            "receivers": receivers,
            "processors": processors,
            "exporters": exporters,
            "service": service,
        },
        "$defs": generator.take_definitions(false),
    });
    let value = schema.ensure_object();
    value
        .iter_mut()
        .for_each(|(_, part)| allow_references(part));
    schema.to_value()
}

/// A section: each key is a type, or a type and a name; nothing at all stands for an empty body.
fn section<B: ?Sized>(
    about: &str,
    factories: &[Factory<B>],
    generator: &mut SchemaGenerator,
) -> Schema {
    let mut bodies = Map::new();
    for factory in factories {
        let body = factory.schema(generator);
        bodies.insert(
            format!("^{}(/.+)?$", factory.name),
            json!({ "anyOf": [body, { "type": "null" }] }),
        );
    }
    json_schema!({
        "description": about,
        "type": ["object", "null"],
        "patternProperties": bodies,
        "additionalProperties": false,
    })
}

/// Lets `${env:X}` stand where a number or a boolean is expected.
fn allow_references(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(allow_references),
        Value::Object(map) => {
            map.values_mut().for_each(allow_references);
            let kind = map.get("type").and_then(Value::as_str);
            if !matches!(kind, Some("integer" | "number" | "boolean")) {
                return;
            }
            let description = map.remove("description");
            let inner = Value::Object(mem::take(map));
            map.extend(description.map(|text| ("description".to_owned(), text)));
            let reference = json!({ "type": "string", "pattern": r"^\$\{(env|file):[^}]*\}$" });
            map.insert("anyOf".to_owned(), json!([inner, reference]));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
