//! How the probes of a configuration are shown: as they are in force, and as a JSON Schema.

use std::borrow::Cow;

use eunomia_core::config::{ByteSize, Duration, Entry, Node, Span, Value};
use eunomia_core::schema::IntegerSize;
use schemars::{JsonSchema as _, Schema, SchemaGenerator, json_schema};
use serde::{Serialize as _, Serializer};
use serde_json::{Map, Value as Json};

use super::catalogue;
use super::probe;
use super::settings::ProbeSettings;
use crate::object::{Global, GlobalType, Measure, ProbeOption};

/// Shows the probes with those of their options that are not written, at the values that they were
/// compiled with.
pub(super) fn with_defaults<S: Serializer>(
    probes: &Node,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut shown = probes.clone();
    if let Value::Map(entries) = &mut shown.value {
        entries.iter_mut().for_each(add_defaults);
    }
    shown.serialize(serializer)
}

fn add_defaults(entry: &mut Entry) {
    let unwritten = probe::unwritten_options(entry);
    if entry.node.is_null() {
        entry.node = Node::map(entry.node.span.clone());
    }
    for ProbeOption { key, global, .. } in unwritten {
        let default = global.default_value();
        if default != Value::Null {
            let node = Node::new(default, Span::whole("default"));
            entry.node.insert(key, node);
        }
    }
}

/// Describes the probes: what each built-in one takes, and what one of a user's own needs.
pub(super) fn probes_schema(generator: &mut SchemaGenerator) -> Schema {
    let own = json_schema!({
        "allOf": [generator.subschema_for::<ProbeSettings>()],
        "required": ["object"],
    });
    let mut built_in = Map::new();
    for probe in catalogue::built_in() {
        let mut body = ProbeSettings::json_schema(generator);
        body.insert("additionalProperties".into(), false.into());
        if let Some(Json::Object(keys)) = body.get_mut("properties") {
            for option in &probe.object.options {
                keys.insert(option.key.to_string(), option_schema(option, generator));
            }
        }
        let any_of = json_schema!({ "anyOf": [body, own, { "type": "null" }] });
        built_in.insert(probe.name.into(), any_of.to_value());
    }
    json_schema!({
        "type": "object",
        "minProperties": 1,
        "properties": built_in,
        "propertyNames": { "pattern": "^\\S+$" },
        "additionalProperties": own,
    })
}

fn option_schema(option: &ProbeOption, generator: &mut SchemaGenerator) -> Json {
    let mut schema = value_schema(&option.global, generator);
    schema.insert("description".into(), option.doc.to_string().into());
    let default = Node::new(option.global.default_value(), Span::whole("default"));
    if let Ok(default) = serde_json::to_value(&default) {
        schema.insert("default".into(), default);
    }
    schema.to_value()
}

fn value_schema(global: &Global, generator: &mut SchemaGenerator) -> Schema {
    match (global.measure(), &global.value_type) {
        (Some(Measure::Time(_)), _) => generator.subschema_for::<Duration>(),
        (Some(Measure::Size), _) => generator.subschema_for::<ByteSize>(),
        (None, GlobalType::Bool) => generator.subschema_for::<bool>(),
        (None, GlobalType::Integer { size, signed }) => integer_schema(*size, *signed),
        (None, GlobalType::Float { .. }) => generator.subschema_for::<f64>(),
        (None, GlobalType::Text { .. }) => generator.subschema_for::<Cow<'_, str>>(),
        (None, GlobalType::Integers { .. }) => generator.subschema_for::<Vec<i64>>(),
        (None, GlobalType::Enum { .. } | GlobalType::Other) => Schema::default(),
    }
}

pub(super) fn integer_schema(size: IntegerSize, signed: bool) -> Schema {
    let all = u64::MAX >> (64 - 8 * size.bytes());
    let positive = all >> 1;
    let (least, most) = if signed {
        (!positive.cast_signed(), positive)
    } else {
        (0, all)
    };
    json_schema!({ "type": "integer", "minimum": least, "maximum": most })
}
