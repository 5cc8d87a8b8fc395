//! From the configuration to objects: which probes, with which values.

use std::borrow::Cow;
use std::fs;
use std::sync::Arc;

use eunomia_core::config::{ConfigError, ConfigErrors, Entry, Node, Value, known_names};
use eunomia_probes::PROBES;

use super::settings::{EbpfSettings, FilterSettings, PROBE_KEYS, ProbeSettings};
use crate::object::{Global, Object, ProbeOption, Program};

/// The object that every receiver loads: the life of processes, the filters'
/// maps, the dispatcher of system calls. Naming the probe lets its events out.
pub(super) const BASE: &str = "process";

/// Globals that are the loader's, not the user's.
const LOADERS_GLOBALS: [&str; 4] = ["eun_", "kind_", "slot_", "eunomia_"];

/// A probe with everything that the configuration says about it.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) name: Arc<str>,
    pub(super) object: Object,
    pub(super) bytes: Cow<'static, [u8]>,
    /// Values for its read-only globals.
    pub(super) globals: Vec<(Box<str>, Vec<u8>)>,
    pub(super) filter: FilterSettings,
    /// Whether the configuration names it; the base object is loaded anyway.
    pub(super) is_named: bool,
}

impl Probe {
    /// The programs that the dispatcher of system calls jumps to.
    pub(super) fn system_call_programs(&self) -> impl Iterator<Item = &Program> {
        self.object
            .programs
            .iter()
            .filter(|program| !program.syscalls.is_empty())
    }

    pub(super) fn wants_system_calls(&self) -> bool {
        self.system_call_programs().next().is_some()
    }
}

/// Names of the built-in probes.
pub(crate) fn built_in_names() -> Vec<&'static str> {
    PROBES.iter().map(|probe| probe.name).collect()
}

/// Reads the objects of all probes, the base object first, and the values for
/// them.
///
/// # Errors
/// Everything that is wrong with the configured probes.
pub(super) fn resolve(settings: &EbpfSettings) -> Result<Vec<Probe>, ConfigErrors> {
    let mut errors = ConfigErrors::default();
    let mut probes = Vec::new();
    if settings.probes.entries().is_empty() && !matches!(settings.probes.value, Value::Map(_)) {
        errors.push(
            settings
                .probes
                .error("expected a map of probes, such as `open: {}`"),
        );
    }
    for entry in settings.probes.entries() {
        match resolve_one(settings, entry) {
            Ok(probe) if &*probe.name == BASE => probes.insert(0, probe),
            Ok(probe) => probes.push(probe),
            Err(more) => errors.append(more),
        }
    }
    let errors = errors.or(());
    errors?;
    if probes.first().is_none_or(|first| &*first.name != BASE) {
        probes.insert(0, base(settings)?);
    }
    Ok(probes)
}

fn base(settings: &EbpfSettings) -> Result<Probe, ConfigErrors> {
    let unnamed = Entry {
        key: BASE.to_owned(),
        key_span: settings.probes.span.clone(),
        node: Node::map(settings.probes.span.clone()),
    };
    Ok(Probe {
        is_named: false,
        ..resolve_one(settings, &unnamed)?
    })
}

fn resolve_one(settings: &EbpfSettings, entry: &Entry) -> Result<Probe, ConfigErrors> {
    let (body, options) = split_body(&entry.node);
    let decoded: ProbeSettings = body.decode()?;
    let mut errors = ConfigErrors(decoded.filter.errors());
    if decoded.object.is_some() && !is_word(&entry.key) {
        errors.push(misnamed(entry));
    }
    if let Some(object) = decoded.object.as_ref().filter(|_| entry.key == BASE) {
        let message =
            format!("{BASE} is the object that every receiver needs, and cannot be replaced");
        return Err(object
            .error(message)
            .with_help("give your probe another name")
            .into());
    }
    if let Some(globals) = decoded.globals.as_ref().filter(|globals| !is_body(globals)) {
        let found = globals.describe();
        errors.push(globals.error(format!("expected a map of globals by name, found {found}")));
    }
    let (bytes, object) = match parse_object(entry, &decoded) {
        Ok(parsed) => parsed,
        Err(more) => {
            errors.append(more);
            return Err(errors);
        }
    };
    let is_filtered = !settings.filter.is_empty() || !decoded.filter.is_empty();
    if is_filtered && !object.has_filter() {
        let node = entry.node.nearest(&["object"]);
        let message = "the object was not built with our headers, so it can't be filtered, and this receiver has a filter";
        errors.push(node.error(message).with_help(
            "put it into a receiver of its own without `filter`, or build it with eunomia.h",
        ));
    }
    let mut globals = Vec::new();
    for option in options {
        match option_value(&object, option) {
            Ok(value) => globals.push(value),
            Err(error) => errors.append(error),
        }
    }
    for global in decoded.globals.iter().flat_map(Node::entries) {
        match global_value(&object, global) {
            Ok(value) => globals.push(value),
            Err(error) => errors.append(error),
        }
    }
    errors.or(Probe {
        name: entry.key.as_str().into(),
        object,
        bytes,
        globals,
        filter: decoded.filter,
        is_named: true,
    })
}

/// The options that the body of a probe, where it is right, leaves as they were compiled.
pub(super) fn unwritten_options(entry: &Entry) -> Vec<ProbeOption> {
    let (body, written) = split_body(&entry.node);
    let Ok(settings) = body.decode::<ProbeSettings>() else {
        return Vec::new();
    };
    let Ok((_, object)) = parse_object(entry, &settings) else {
        return Vec::new();
    };
    let is_set = |option: &ProbeOption| {
        let globals = settings.globals.as_ref();
        written.iter().any(|entry| *entry.key == *option.key)
            || globals.is_some_and(|globals| globals.get(&option.global.name).is_some())
    };
    let mut options = object.options;
    options.retain(|option| !is_set(option));
    options
}

fn parse_object(
    entry: &Entry,
    settings: &ProbeSettings,
) -> Result<(Cow<'static, [u8]>, Object), ConfigErrors> {
    let bytes = read_object(entry, settings)?;
    let layout = settings.layout.as_ref().map(|layout| &layout.value);
    match Object::parse_with(&entry.key, &bytes, layout) {
        Ok(object) => Ok((bytes, object)),
        Err(error) => Err(refused(entry, settings, error)),
    }
}

/// Whether it can stand in the line of an account.
fn is_word(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn misnamed(entry: &Entry) -> ConfigError {
    ConfigError::new(
        entry.key_span.clone(),
        Arc::clone(&entry.node.path),
        format!(
            "expected one word as the name of a probe, found {:?}",
            entry.key
        ),
    )
    .with_help("accounts and metrics show it: write it such as `my_probe`")
}

/// Whether it is a map, or nothing, which is an empty one.
fn is_body(node: &Node) -> bool {
    matches!(node.value, Value::Map(_) | Value::Null)
}

/// The keys that every probe takes, apart from those of this one's options.
fn split_body(body: &Node) -> (Node, Vec<&Entry>) {
    let mut common = Node {
        value: Value::Map(Vec::new()),
        ..body.clone()
    };
    if !is_body(body) {
        return (body.clone(), Vec::new());
    }
    let mut options = Vec::new();
    for entry in body.entries() {
        if !PROBE_KEYS.contains(&entry.key.as_str()) {
            options.push(entry);
        } else if let Value::Map(entries) = &mut common.value {
            entries.push(entry.clone());
        }
    }
    (common, options)
}

fn read_object(
    entry: &Entry,
    settings: &ProbeSettings,
) -> Result<Cow<'static, [u8]>, ConfigErrors> {
    if let Some(path) = &settings.object {
        let bytes = fs::read(&path.value);
        return bytes.map(Cow::Owned).map_err(|error| {
            path.error(format!(
                "the object {} can't be read: {error}",
                path.value.display()
            ))
            .into()
        });
    }
    match PROBES.iter().find(|probe| probe.name == entry.key) {
        Some(probe) => Ok(Cow::Borrowed(probe.object)),
        None => {
            let error = ConfigError::new(
                entry.key_span.clone(),
                Arc::clone(&entry.node.path),
                format!("there is no built-in probe called {}", entry.key),
            );
            let help = known_names("built-in probes", &entry.key, &built_in_names());
            Err(error
                .with_help(format!(
                    "{help}; a probe of your own needs `object: FILE.bpf.o`"
                ))
                .into())
        }
    }
}

fn refused(
    entry: &Entry,
    settings: &ProbeSettings,
    error: crate::object::ObjectError,
) -> ConfigErrors {
    let message = match &settings.object {
        Some(path) => format!("the object {} {error}", path.value.display()),
        None => format!("the built-in probe {} {error}", entry.key),
    };
    entry.node.nearest(&["object"]).error(message).into()
}

fn option_value(object: &Object, entry: &Entry) -> Result<(Box<str>, Vec<u8>), ConfigErrors> {
    let Some(option) = object.option(&entry.key) else {
        let known: Vec<_> = object
            .options
            .iter()
            .map(|option| &*option.key)
            .chain(PROBE_KEYS)
            .collect();
        let error = ConfigError::new(
            entry.key_span.clone(),
            Arc::clone(&entry.node.path),
            format!("unknown key; the probe {} has no such option", object.name),
        );
        return Err(error
            .with_help(known_names("keys", &entry.key, &known))
            .into());
    };
    Ok((
        option.global.name.clone(),
        option.global.encode(&entry.node)?,
    ))
}

fn global_value(object: &Object, entry: &Entry) -> Result<(Box<str>, Vec<u8>), ConfigErrors> {
    let is_ours = |global: &Global| {
        object.abi.is_some()
            && LOADERS_GLOBALS
                .iter()
                .any(|prefix| global.name.starts_with(prefix))
    };
    let settable: Vec<_> = object
        .globals
        .iter()
        .filter(|global| !is_ours(global))
        .collect();
    let Some(global) = settable.iter().find(|global| *global.name == *entry.key) else {
        let known: Vec<_> = settable.iter().map(|global| &*global.name).collect();
        let error = ConfigError::new(
            entry.key_span.clone(),
            Arc::clone(&entry.node.path),
            "the object has no read-only global with this name".to_owned(),
        );
        return Err(error
            .with_help(known_names("read-only globals", &entry.key, &known))
            .into());
    };
    Ok((global.name.clone(), global.encode(&entry.node)?))
}
