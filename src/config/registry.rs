//! The components that a configuration may name.

use eunomia_core::config::{ConfigErrors, Factory, Node};
use schemars::SchemaGenerator;
use serde::Serialize;

use super::load::{Component, Pipeline};

/// All kinds of components; `R`, `P` and `E` are the trait objects that build receivers, processors and exporters.
#[derive(Debug)]
pub struct Registry<R: ?Sized + 'static, P: ?Sized + 'static, E: ?Sized + 'static> {
    /// What can stand under `receivers`.
    pub receivers: &'static [Factory<R>],
    /// What can stand under `processors`.
    pub processors: &'static [Factory<P>],
    /// What can stand under `exporters`.
    pub exporters: &'static [Factory<E>],
    /// What is wrong with components beside each other in a pipeline.
    pub check: fn(&Found<'_, R, P>) -> ConfigErrors,
}

/// What was found right so far.
#[derive(Debug)]
pub struct Found<'a, R: ?Sized, P: ?Sized> {
    /// The whole configuration.
    pub root: &'a Node,
    /// The receivers that were found right.
    pub receivers: &'a [Component<R>],
    /// The processors that were found right.
    pub processors: &'a [Component<P>],
    /// The pipelines, which may name others.
    pub pipelines: &'a [Pipeline],
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
