//! The pipelines: every name in them is a component, and what runs together gets along.

use std::sync::Arc;

use eunomia_core::config::{
    ConfigError, Entry, Node, Span, Spanned, Value, claims_collide, did_you_mean,
};

use super::{
    load::Pipeline,
    report::Report,
    service::{PipelineBody, Service},
};

/// The components of one section by their names, the wrong ones included.
#[derive(Debug)]
pub(super) struct Declared {
    kind: &'static str,
    /// The types there are.
    pub(super) types: Vec<&'static str>,
    /// Whether the section is so wrong that its components can't be known.
    pub(super) is_unknown: bool,
    components: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    id: Arc<str>,
    span: Span,
    path: Arc<str>,
    claims: Vec<String>,
    used: bool,
}

impl Declared {
    /// No components yet of `kind`, of which there are these types.
    pub(super) fn new(kind: &'static str, types: Vec<&'static str>) -> Self {
        Self {
            kind,
            types,
            is_unknown: false,
            components: Vec::new(),
        }
    }

    /// Adds the component of an entry with what nobody else may use.
    pub(super) fn add(&mut self, id: Arc<str>, entry: &Entry, claims: Vec<String>) {
        let (span, path) = (entry.key_span.clone(), Arc::clone(&entry.node.path));
        self.components.push(Known {
            id,
            span,
            path,
            claims,
            used: false,
        });
    }

    /// Whether a pipeline names the component.
    pub(super) fn is_used(&self, id: &str) -> bool {
        self.components
            .iter()
            .any(|known| *known.id == *id && known.used)
    }

    /// The component of that name, from now on a used one.
    fn take(&mut self, name: &Spanned<String>) -> Result<Arc<str>, ConfigError> {
        if let Some(known) = self.components.iter_mut().find(|known| *known.id == **name) {
            known.used = true;
            return Ok(Arc::clone(&known.id));
        }
        if self.is_unknown {
            return Ok(name.value.as_str().into());
        }
        let Self {
            kind,
            types,
            components,
            ..
        } = self;
        let error = name.error(format!("there is no {kind} `{name}` under `{kind}s`"));
        let known: Vec<&str> = components.iter().map(|known| &*known.id).collect();
        let kind_of = name.split('/').next().unwrap_or_default();
        Err(match did_you_mean(name, known.iter().copied()) {
            Some(likely) => error.with_help(format!(
                "did you mean `{likely}`? The {kind}s: {}",
                known.join(", ")
            )),
            None if types.contains(&kind_of) => {
                error.with_help(format!("add `{name}: {{}}` under `{kind}s`"))
            }
            None if known.is_empty() => error.with_help(format!("add it under `{kind}s`")),
            None => error.with_help(format!("the {kind}s: {}", known.join(", "))),
        })
    }
}

/// Checks the pipelines of a service, and marks in `declared` (receivers, processors, exporters) what they name.
pub(super) fn check(
    root: &Node,
    service: &Service,
    declared: [&mut Declared; 3],
    report: &mut Report,
) -> Vec<Pipeline> {
    let [receivers, processors, exporters] = declared;
    let mut pipelines = Vec::new();
    for (name, body) in &service.pipelines {
        if let Some(entry) = root.nearest(&["service", "pipelines"]).entry(name) {
            check_ends(entry, report);
        }
        let PipelineBody {
            receivers: from,
            processors: through,
            exporters: to,
        } = &body.value;
        pipelines.push(Pipeline {
            name: name.clone(),
            receivers: take_all(name, from, receivers, report),
            processors: take_all(name, through, processors, report),
            exporters: take_all(name, to, exporters, report),
        });
    }
    check_presence(root, report);
    let all = [&*receivers, &*processors, &*exporters];
    let all: Vec<&Known> = all
        .into_iter()
        .flat_map(|declared| &declared.components)
        .collect();
    check_claims(&all, report);
    pipelines
}

/// Refuses a service without pipelines.
fn check_presence(root: &Node, report: &mut Report) {
    let Some(service) = root
        .get("service")
        .filter(|service| matches!(service.value, Value::Map(_) | Value::Null))
    else {
        return;
    };
    let node = service.get("pipelines").unwrap_or(service);
    if node.entries().is_empty() && matches!(node.value, Value::Map(_) | Value::Null)
        || node.path == service.path
    {
        let error = node.error("there is no pipeline, so nothing would run");
        report.errors.push(error.with_help(
            "add `pipelines: { NAME: { receivers: [...], exporters: [...] } }` under `service`",
        ));
    }
}

/// Refuses a pipeline that nothing goes into or comes out of.
fn check_ends(pipeline: &Entry, report: &mut Report) {
    if !matches!(pipeline.node.value, Value::Map(_) | Value::Null) {
        return;
    }
    for (key, what) in [("receivers", "receiver"), ("exporters", "exporter")] {
        let error = match pipeline.node.get(key) {
            None => ConfigError::new(
                pipeline.key_span.clone(),
                Arc::clone(&pipeline.node.path),
                "",
            ),
            Some(node) if matches!(&node.value, Value::List(items) if items.is_empty()) => {
                node.error("")
            }
            Some(_) => continue,
        };
        let message = format!("the pipeline `{}` has no {what}", pipeline.key);
        let help = format!("add `{key}: [...]` with names out of the section `{key}`");
        report
            .errors
            .push(ConfigError { message, ..error }.with_help(help));
    }
}

/// The components of these names, each once.
fn take_all(
    pipeline: &str,
    names: &[Spanned<String>],
    declared: &mut Declared,
    report: &mut Report,
) -> Vec<Arc<str>> {
    let mut taken: Vec<Arc<str>> = Vec::new();
    for name in names {
        if taken.iter().any(|id| **id == **name) {
            let error = name.error(format!(
                "the {} `{name}` is twice in the pipeline `{pipeline}`",
                declared.kind
            ));
            report.errors.push(error.with_help("remove one of the two"));
            continue;
        }
        match declared.take(name) {
            Ok(id) => taken.push(id),
            Err(error) => report.errors.push(error),
        }
    }
    taken
}

/// Warns of components that no pipeline names.
pub(super) fn warn_of_unused(all: [&Declared; 3], report: &mut Report) {
    for declared in all {
        let kind = declared.kind;
        for known in declared.components.iter().filter(|known| !known.used) {
            let message = format!(
                "no pipeline names the {kind} `{}`, so it does not run",
                known.id
            );
            let warning = ConfigError::new(known.span.clone(), Arc::clone(&known.path), message);
            report.warnings.push(warning);
        }
    }
}

/// Refuses two components that run and need the same thing for themselves.
fn check_claims(components: &[&Known], report: &mut Report) {
    let used: Vec<_> = components.iter().filter(|known| known.used).collect();
    for (index, known) in used.iter().enumerate() {
        for claim in &known.claims {
            let mut before = used.iter().take(index);
            let collides = |first: &&&&Known| {
                let mut claims = first.claims.iter();
                claims.any(|other| claims_collide(other, claim))
            };
            let Some(first) = before.find(collides) else {
                continue;
            };
            let message = format!("`{}` and `{}` can't both have {claim}", first.id, known.id);
            let error = ConfigError::new(known.span.clone(), Arc::clone(&known.path), message);
            let help = format!(
                "`{}` is at {}; give one of them another, or take one out of its pipelines",
                first.id, first.span
            );
            report.errors.push(error.with_help(help));
        }
    }
}
