//! From files and arguments to checked settings, in one run that finds everything that is wrong.

use std::{path::PathBuf, sync::Arc};

use eunomia_core::config::{
    Check, ConfigError, ConfigErrors, Entry, Factory, Node, Ready, Span, Value, decode_partly,
    known_names,
};

use super::{
    expand::{Surroundings, expand},
    layers,
    pipelines::{self, Declared},
    registry::{Found, Registry},
    report::Report,
    service::Service,
    set,
    source::Source,
    yaml,
};

/// The only version of the configuration there is.
const VERSION: i128 = 1;
/// The keys of the file.
const SECTIONS: &[&str] = &["version", "receivers", "processors", "exporters", "service"];

/// A configuration of which every part was found right; what each component makes of it comes when it is built.
#[derive(Debug)]
pub struct Configuration<R: ?Sized, P: ?Sized, E: ?Sized> {
    /// The receivers in the order of the file.
    pub receivers: Vec<Component<R>>,
    /// The processors in the order of the file.
    pub processors: Vec<Component<P>>,
    /// The exporters in the order of the file.
    pub exporters: Vec<Component<E>>,
    /// The pipelines in the order of their names.
    pub pipelines: Vec<Pipeline>,
    /// The section `service`: the daemon's own logs and metrics.
    pub service: Service,
    /// What all of it was made from: [`check`] makes it again.
    pub root: Node,
}

/// A configuration with the warnings about it, or the errors.
pub type Outcome<R, P, E> = Result<(Configuration<R, P, E>, Report), Box<Report>>;

/// A component under its name.
#[derive(Debug)]
pub struct Component<B: ?Sized> {
    /// `type` or `type/name`.
    pub id: Arc<str>,
    /// Where the name stands.
    pub span: Span,
    /// Its settings.
    pub ready: Ready<B>,
    /// Whether a pipeline names it.
    pub used: bool,
}

/// The components of a pipeline by their names, all of which exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// Names of receivers; at least one.
    pub receivers: Vec<Arc<str>>,
    /// Names of processors, in their order.
    pub processors: Vec<Arc<str>>,
    /// Names of exporters; at least one.
    pub exporters: Vec<Arc<str>>,
}

/// Reads the files, puts the values of `--set` over them and checks the whole. The report has the warnings, too.
///
/// # Errors
/// The report, if there is an error in it.
pub fn load<R: ?Sized, P: ?Sized, E: ?Sized>(
    files: &[PathBuf],
    sets: &[String],
    registry: &Registry<R, P, E>,
    surroundings: Surroundings<'_>,
) -> Outcome<R, P, E> {
    let mut report = Report::default();
    let mut layers = Vec::new();
    for file in files {
        match Source::read(file) {
            Ok(source) => add_layer(source, yaml::parse, &mut layers, &mut report),
            Err(error) => report.errors.push(error),
        }
    }
    for argument in sets {
        add_layer(set::source(argument), set::parse, &mut layers, &mut report);
    }
    // Without one of the texts, what the others say is no longer what was meant.
    if layers.len() < files.len() + sets.len() {
        return Err(Box::new(report));
    }
    let mut root = match layers::merge(layers) {
        Ok((root, warnings)) => {
            report.warnings.0.extend(warnings);
            root
        }
        Err(error) => {
            report.errors.push(error);
            return Err(Box::new(report));
        }
    };
    report.errors.append(expand(&mut root, surroundings));
    check(&root, registry, report)
}

fn add_layer(
    source: Source,
    parse: fn(&Source) -> (Option<Node>, ConfigErrors),
    layers: &mut Vec<Node>,
    report: &mut Report,
) {
    let (node, errors) = parse(&source);
    layers.extend(node);
    report.errors.append(errors);
    report.sources.push(source);
}

/// Checks a configuration that is already a tree; `report` has what is known of it so far.
///
/// # Errors
/// The report, if there is an error in it.
pub fn check<R: ?Sized, P: ?Sized, E: ?Sized>(
    root: &Node,
    registry: &Registry<R, P, E>,
    mut report: Report,
) -> Outcome<R, P, E> {
    if !matches!(root.value, Value::Map(_) | Value::Null) {
        let found = root.describe();
        let message = format!(
            "expected a map with the keys {}, found {found}",
            SECTIONS.join(", ")
        );
        report.errors.push(root.error(message));
        return Err(Box::new(report));
    }
    check_sections(root, &mut report);
    let (mut receivers, mut declared_receivers) =
        read("receiver", root, registry.receivers, &mut report);
    let (mut processors, mut declared_processors) =
        read("processor", root, registry.processors, &mut report);
    let (mut exporters, mut declared_exporters) =
        read("exporter", root, registry.exporters, &mut report);
    let service = read_service(root, &mut report);
    let parts = [
        &mut declared_receivers,
        &mut declared_processors,
        &mut declared_exporters,
    ];
    let pipelines = pipelines::check(root, &service, parts, &mut report);
    report.errors.append((registry.check)(&Found {
        root,
        receivers: &receivers,
        processors: &processors,
        pipelines: &pipelines,
    }));
    if !report.errors.is_empty() {
        return Err(Box::new(report));
    }
    let declared = [
        &declared_receivers,
        &declared_processors,
        &declared_exporters,
    ];
    pipelines::warn_of_unused(declared, &mut report);
    mark_used(&mut receivers, &declared_receivers);
    mark_used(&mut processors, &declared_processors);
    mark_used(&mut exporters, &declared_exporters);
    let configuration = Configuration {
        receivers,
        processors,
        exporters,
        pipelines,
        service,
        root: root.clone(),
    };
    Ok((configuration, report))
}

/// Checks the keys of the file and its version.
fn check_sections(root: &Node, report: &mut Report) {
    for entry in root.entries() {
        if !SECTIONS.contains(&entry.key.as_str()) {
            let error = key_error(entry, format!("unknown key `{}`", entry.key));
            report
                .errors
                .push(error.with_help(known_names("known keys", &entry.key, SECTIONS)));
        }
    }
    let expected = "the only version there is";
    match root.get("version") {
        None => report.errors.push(
            root.error("the key `version` is missing")
                .with_help(format!(
                    "begin the file with `version: {VERSION}`, {expected}"
                )),
        ),
        Some(node) if node.decode() != Ok(VERSION) && node.value != Value::Refused => {
            report.errors.push(node.error(format!(
                "expected {VERSION}, {expected}, found {}",
                node.describe()
            )))
        }
        Some(_) => {}
    }
}

fn key_error(entry: &Entry, message: impl Into<String>) -> ConfigError {
    ConfigError::new(
        entry.key_span.clone(),
        Arc::clone(&entry.node.path),
        message,
    )
}

/// Reads a section: the components that are right, and the names of all.
fn read<B: ?Sized>(
    kind: &'static str,
    root: &Node,
    factories: &[Factory<B>],
    report: &mut Report,
) -> (Vec<Component<B>>, Declared) {
    let types = factories.iter().map(|factory| factory.name).collect();
    let mut declared = Declared::new(kind, types);
    let mut components = Vec::new();
    let Some(section) = root.get(&format!("{kind}s")) else {
        return (components, declared);
    };
    if !matches!(section.value, Value::Map(_) | Value::Null | Value::Refused) {
        let message = format!(
            "expected a map of {kind}s, such as {{ TYPE: {{}} }}, found {}",
            section.describe()
        );
        report.errors.push(section.error(message));
        declared.is_unknown = true;
    }
    for entry in section.entries() {
        let id: Arc<str> = entry.key.as_str().into();
        let mut claims = Vec::new();
        match read_component(kind, entry, factories, &declared.types, &mut report.secrets) {
            Ok(ready) => {
                claims.clone_from(&ready.claims);
                let span = entry.key_span.clone();
                components.push(Component {
                    id: Arc::clone(&id),
                    span,
                    ready,
                    used: false,
                });
            }
            Err(errors) => report.errors.append(errors),
        }
        declared.add(id, entry, claims);
    }
    (components, declared)
}

fn read_component<B: ?Sized>(
    kind: &str,
    entry: &Entry,
    factories: &[Factory<B>],
    types: &[&str],
    secrets: &mut Vec<String>,
) -> Result<Ready<B>, ConfigErrors> {
    let (name, instance) = match entry.key.split_once('/') {
        Some((name, instance)) => (name, Some(instance)),
        None => (entry.key.as_str(), None),
    };
    if instance.is_some_and(|instance| instance.trim().is_empty()) {
        let error = key_error(entry, format!("the {kind} has no name behind the `/`"));
        return Err(error
            .with_help(format!("write `{name}` or `{name}/NAME`"))
            .into());
    }
    let Some(factory) = factories.iter().find(|factory| factory.name == name) else {
        let error = key_error(entry, format!("unknown {kind} `{name}`"));
        return Err(error
            .with_help(known_names(&format!("{kind}s"), name, types))
            .into());
    };
    if entry.node.value == Value::Refused {
        return Err(ConfigErrors::default());
    }
    factory.read(&entry.node, secrets)
}

fn read_service(root: &Node, report: &mut Report) -> Service {
    let Some(node) = root.get("service") else {
        let error = root.error("the key `service` is missing");
        report.errors.push(error.with_help(
            "add `service: { pipelines: { NAME: { receivers: [...], exporters: [...] } } }`",
        ));
        return Service::default();
    };
    let (service, errors, secrets) = decode_partly::<Service>(node);
    let is_whole = errors.is_empty();
    report.errors.append(errors);
    report.secrets.extend(secrets);
    let service = service.unwrap_or_default();
    if is_whole {
        let mut check = Check::new(node);
        service.check(&mut check);
        report.errors.append(check.finish());
    }
    service
}

fn mark_used<B: ?Sized>(components: &mut [Component<B>], declared: &Declared) {
    for component in components {
        component.used = declared.is_used(&component.id);
    }
}
