//! The components that a configuration may name.

use eunomia_core::config::Factory;
use schemars::SchemaGenerator;
use serde::Serialize;

/// All kinds of components; `R`, `P` and `E` are the trait objects that build receivers, processors and exporters.
#[derive(Debug)]
pub struct Registry<R: ?Sized + 'static, P: ?Sized + 'static, E: ?Sized + 'static> {
    /// What can stand under `receivers`.
    pub receivers: &'static [Factory<R>],
    /// What can stand under `processors`.
    pub processors: &'static [Factory<P>],
    /// What can stand under `exporters`.
    pub exporters: &'static [Factory<E>],
}

/// A component as the command `components` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// `receiver`, `processor` or `exporter`.
    pub kind: &'static str,
    /// Its name in the configuration.
    pub name: &'static str,
    /// The first sentence about its settings.
    pub about: String,
}

impl<R: ?Sized, P: ?Sized, E: ?Sized> Registry<R, P, E> {
    /// Every component with what it is for, receivers first.
    pub fn list(&self) -> Vec<Listed> {
        let mut list = Vec::new();
        add("receiver", self.receivers, &mut list);
        add("processor", self.processors, &mut list);
        add("exporter", self.exporters, &mut list);
        list
    }
}

fn add<B: ?Sized>(kind: &'static str, factories: &[Factory<B>], list: &mut Vec<Listed>) {
    for factory in factories {
        let mut generator = SchemaGenerator::default();
        let schema = factory.schema(&mut generator);
        let reference = schema.get("$ref").and_then(|reference| reference.as_str());
        let name = reference.and_then(|reference| reference.rsplit('/').next());
        let definition = name.and_then(|name| generator.definitions().get(name));
        let about = definition
            .or(Some(schema.as_value()))
            .and_then(|schema| schema.get("description")?.as_str())
            .and_then(|text| text.split("\n\n").next())
            .unwrap_or_default();
        list.push(Listed {
            kind,
            name: factory.name,
            about: about.replace('\n', " "),
        });
    }
}
