//! The configuration as it is in force: merged, with every default, without secrets; and it reads back.

use eunomia_core::config::Ready;
use serde_json::{Map, Value, json};
use serde_saphyr::SerializeError;

use super::load::{Component, Configuration};

/// The configuration as one tree. What is absent is left out, and text is escaped as in a file.
pub fn effective<R: ?Sized, P: ?Sized, E: ?Sized>(configuration: &Configuration<R, P, E>) -> Value {
    let Configuration {
        receivers,
        processors,
        exporters,
        service,
        ..
    } = configuration;
    let mut tree = json!({
        "version": 1,
        "receivers": section(receivers),
        "processors": section(processors),
        "exporters": section(exporters),
        "service": serde_json::to_value(service).unwrap_or_default(),
    });
    tidy(&mut tree);
    tree
}

/// The same as YAML.
///
/// # Errors
/// What the serializer refuses.
pub fn to_yaml(tree: &Value) -> Result<String, SerializeError> {
    serde_saphyr::to_string(tree)
}

fn section<B: ?Sized>(components: &[Component<B>]) -> Value {
    let bodies = components
        .iter()
        .map(|Component { id, ready, .. }| (id.to_string(), body(ready)));
    Value::Object(bodies.collect())
}

fn body<B: ?Sized>(ready: &Ready<B>) -> Value {
    if ready.effective.is_null() {
        return Value::Object(Map::new());
    }
    ready.effective.clone()
}

/// Drops absent values and doubles the `$` of texts, since `${` begins a reference in a file.
fn tidy(tree: &mut Value) {
    match tree {
        Value::String(text) => *text = text.replace('$', "$$"),
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(tidy);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
