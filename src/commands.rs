//! Commands that answer and end: what they print goes to stdout.

use std::io::{self, Write as _};
use std::sync::Arc;

use eunomia_core::config::{ConfigError, ConfigErrors};
use eunomia_core::pipeline::Running;
use serde::Serialize;
use serde_json::json;

use crate::cli::{ConfigSources, PrintFormat, ReportFormat};
use crate::components::{Configuration, REGISTRY};
use crate::config::{self, Report};
use crate::doctor;
use crate::exit::Exit;
use crate::graph::{self, Surroundings};

/// Reads the configuration that was named on the command line.
///
/// # Errors
/// The report on everything that is wrong with it.
pub fn load(sources: &ConfigSources) -> Result<(Configuration, Report), Box<Report>> {
    let surroundings = config::Surroundings::of_process();
    config::load(&sources.files, &sources.sets, &REGISTRY, surroundings)
}

/// `validate`: everything that is wrong, and what the exporters will not carry.
pub fn validate(sources: &ConfigSources, format: ReportFormat) -> Exit {
    let (report, exit) = match load(sources) {
        Ok((configuration, mut report)) => {
            report.warnings.append(not_carried(&configuration));
            // Building opens and binds nothing, and finds what only a whole component can tell.
            let refused =
                graph::build(configuration, &Surroundings::default(), &Running::default()).err();
            let exit = if refused.is_some() {
                Exit::Configuration
            } else {
                Exit::Done
            };
            report.errors.append(refused.unwrap_or_default());
            (report, exit)
        }
        Err(report) => (*report, Exit::Configuration),
    };
    match format {
        ReportFormat::Json => print_json(&report.to_json()),
        ReportFormat::Text => {
            complain(&report.to_text());
            if exit == Exit::Done {
                print("the configuration is valid\n");
            }
        }
    }
    exit
}

/// What exporters that run cannot express.
fn not_carried(configuration: &Configuration) -> ConfigErrors {
    let mut missing = ConfigErrors::default();
    let running = configuration.exporters.iter().filter(|one| one.used);
    for exporter in running {
        let carries = exporter.ready.config.carries();
        for (carried, what) in [
            (carries.events, "events"),
            (carries.metrics, "metric points"),
        ] {
            if !carried {
                let node = configuration.root.nearest(&["exporters", &exporter.id]);
                let message = format!("the exporter `{}` does not carry {what}", exporter.id);
                let place = exporter.span.clone();
                missing.push(ConfigError::new(place, Arc::clone(&node.path), message));
            }
        }
    }
    missing
}

/// `print-config`: the configuration as it is in force.
pub fn print_config(sources: &ConfigSources, format: PrintFormat) -> Exit {
    match load(sources) {
        Err(report) => {
            complain(&report.to_text());
            Exit::Configuration
        }
        Ok((configuration, report)) => {
            complain(&report.to_text());
            let effective = config::effective(&configuration);
            match format {
                PrintFormat::Yaml => match config::to_yaml(&effective) {
                    Ok(yaml) => print(&yaml),
                    Err(error) => {
                        complain(&format!(
                            "the configuration cannot be shown as YAML: {error}\n"
                        ));
                        return Exit::Failed;
                    }
                },
                PrintFormat::Json => print_json(&effective),
            }
            Exit::Done
        }
    }
}

/// `components`: the receivers, processors and exporters there are.
pub fn components(format: ReportFormat) -> Exit {
    let list = REGISTRY.list();
    match format {
        ReportFormat::Json => print_json(&list),
        ReportFormat::Text => {
            for one in list {
                print(&format!(
                    "{:<10} {:<12} {}\n",
                    one.kind, one.name, one.about
                ));
            }
        }
    }
    Exit::Done
}

/// `schema`: the JSON Schema of the configuration.
pub fn schema() -> Exit {
    print_json(&config::schema(&REGISTRY));
    Exit::Done
}

/// `version`.
pub fn version(format: ReportFormat) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    match format {
        ReportFormat::Json => {
            print_json(&json!({ "name": env!("CARGO_PKG_NAME"), "version": version }))
        }
        ReportFormat::Text => print(&format!("{} {version}\n", env!("CARGO_PKG_NAME"))),
    }
    Exit::Done
}

/// `doctor`: what each probe needs, what there is, what to do about the rest.
pub fn doctor(sources: &ConfigSources, format: ReportFormat) -> Exit {
    let report = match doctor::examine(sources) {
        Ok(report) => report,
        Err(report) => {
            complain(&report.to_text());
            return Exit::Configuration;
        }
    };
    match format {
        ReportFormat::Json => print_json(&report),
        ReportFormat::Text => print(&report.to_string()),
    }
    if report.is_well() {
        Exit::Done
    } else {
        Exit::Unsupported
    }
}

fn print_json(value: &impl Serialize) {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    print(&text);
}

/// Writes to stdout; nobody can be told that it is closed.
fn print(text: &str) {
    io::stdout().write_all(text.as_bytes()).unwrap_or_default();
}

/// Writes to stderr.
pub fn complain(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap_or_default();
}
