//! `${env:X}`, `${env:X:-default}`, `${file:PATH}` and `$$` in texts of the configuration.
//!
//! Only values that were parsed are expanded, and what comes in is never parsed as YAML: a password may hold anything.
//! A value that is one reference as a whole takes the type of its field; among other text it is text.

use std::{env, ffi::OsString, fmt, fs, io, path::Path};

use eunomia_core::config::{ConfigErrors, Node, Value};

/// What references lead to.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// A variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// A file's text.
    pub read: &'a dyn Fn(&Path) -> io::Result<String>,
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

impl Surroundings<'_> {
    /// Those of this process.
    pub fn of_process() -> Surroundings<'static> {
        Surroundings {
            variable: &|name| env::var_os(name),
            read: &|path| fs::read_to_string(path),
        }
    }
}

/// Expands every text in `node` and tells which references lead nowhere.
pub(super) fn expand(node: &mut Node, surroundings: Surroundings<'_>) -> ConfigErrors {
    let mut errors = ConfigErrors::default();
    walk(node, surroundings, &mut errors);
    errors
}

fn walk(node: &mut Node, surroundings: Surroundings<'_>, errors: &mut ConfigErrors) {
    match &mut node.value {
        Value::Text(text) if text.contains('$') => match expand_text(text, surroundings) {
            Ok(value) => node.value = value,
            Err((message, help)) => {
                errors.push(node.error(message).with_help(help));
                node.value = Value::Refused;
            }
        },
        Value::List(items) => items
            .iter_mut()
            .for_each(|item| walk(item, surroundings, errors)),
        Value::Map(entries) => entries
            .iter_mut()
            .for_each(|entry| walk(&mut entry.node, surroundings, errors)),
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Untyped(_)
        | Value::Refused => {}
    }
}

/// A message and its remedy.
type Refusal = (String, String);

fn expand_text(text: &str, surroundings: Surroundings<'_>) -> Result<Value, Refusal> {
    let (mut expanded, mut rest) = (String::new(), text);
    while let Some((before, dollar)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some(behind) = dollar.strip_prefix('$') {
            expanded.push('$');
            rest = behind;
        } else if let Some(open) = dollar.strip_prefix('{') {
            let Some((reference, behind)) = open.split_once('}') else {
                return Err((
                    "a reference begins with `${` and has no `}`".to_owned(),
                    "write `$${` for the two characters themselves".to_owned(),
                ));
            };
            let value = look_up(reference, surroundings)?;
            if behind.is_empty() && before.is_empty() && rest.len() == text.len() {
                return Ok(Value::Untyped(value));
            }
            expanded.push_str(&value);
            rest = behind;
        } else {
            expanded.push('$');
            rest = dollar;
        }
    }
    expanded.push_str(rest);
    Ok(Value::Text(expanded))
}

fn look_up(reference: &str, surroundings: Surroundings<'_>) -> Result<String, Refusal> {
    if let Some(variable) = reference.strip_prefix("env:") {
        let (name, default) = match variable.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (variable, None),
        };
        return look_up_variable(name, default, surroundings);
    }
    if let Some(path) = reference.strip_prefix("file:") {
        return match (surroundings.read)(Path::new(path)) {
            Ok(text) => Ok(text
                .strip_suffix('\n')
                .map_or_else(|| text.clone(), ToOwned::to_owned)),
            Err(error) => Err((
                format!("the file {path:?} can't be read: {error}"),
                "paths are relative to the directory the program was started in".to_owned(),
            )),
        };
    }
    Err((
        format!("`${{{reference}}}` is no reference"),
        format!(
            "references are `${{env:NAME}}`, `${{env:NAME:-default}}` and `${{file:PATH}}`; write `$${{{reference}}}` for the text itself"
        ),
    ))
}

fn look_up_variable(
    name: &str,
    default: Option<&str>,
    surroundings: Surroundings<'_>,
) -> Result<String, Refusal> {
    match ((surroundings.variable)(name), default) {
        (Some(value), _) => value.into_string().map_err(|_bytes| {
            (
                format!("the environment variable `{name}` is not UTF-8 text"),
                "give it a value that is".to_owned(),
            )
        }),
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err((
            format!("the environment variable `{name}` is not set"),
            format!("set it, or give a default: `${{env:{name}:-default}}`"),
        )),
    }
}
