//! The configuration: files and arguments in, checked settings out.
//!
//! Sources are parsed to trees that know every place (`yaml`), joined (`layers`), expanded (`expand`), and given
//! to the components of a `registry`, which decode their own part. Nothing stops at the first error (`report`).

mod expand;
mod layers;
mod load;
mod pipelines;
mod print;
mod registry;
mod report;
mod schema;
mod service;
mod set;
mod source;
mod yaml;

#[cfg(test)]
mod tests;

pub use self::{
    expand::Surroundings,
    load::{Component, Configuration, Outcome, Pipeline, check, load},
    print::{effective, to_yaml},
    registry::{Found, Listed, Registry},
    report::Report,
    schema::schema,
    service::{LogFormat, LogLevel, OwnOtlp, PipelineBody, Service, Telemetry},
    source::Source,
};
