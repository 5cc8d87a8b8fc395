//! The reference tables of the documentation say what the code says: what stands between
//! `<!-- begin generated NAME -->` and `<!-- end generated -->` is made here, from the
//! built-in objects and the components' settings.
//!
//! `UPDATE=1 cargo test --test docs` writes the tables anew. What the default pipeline shows
//! in comments is tried, too.
#![expect(clippy::unwrap_used, reason = "a test that fails ends")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use eunomia_core::config::Value as Written;
use eunomia_core::schema::{Attribute, Part, Render, Shape};
use eunomia_core::value::ValueType;
use eunomia_pipeline::components::REGISTRY;
use eunomia_pipeline::config;
use eunomia_receivers::ebpf::{ProbeSummary, built_in};
use eunomia_receivers::object::{Event, ProbeOption};
use serde_json::Value;

const BEGIN: &str = "<!-- begin generated ";
const END: &str = "<!-- end generated -->";
const HEADING: &str = "| attribute | type | what |\n|---|---|---|\n";

#[test]
fn reference_tables_say_what_the_code_says() {
    let updates = env::var_os("UPDATE").is_some();
    let mut made = BTreeSet::new();
    let mut stale = Vec::new();
    for page in pages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")) {
        let text = fs::read_to_string(&page).unwrap();
        let wanted = regenerated(&text, &mut made);
        if wanted == text {
            continue;
        }
        if updates {
            fs::write(&page, wanted).unwrap();
        } else {
            stale.push(page);
        }
    }
    assert!(
        stale.is_empty(),
        "out of date, run `UPDATE=1 cargo test --test docs`: {stale:?}"
    );
    let needed = names();
    let missing: Vec<_> = needed.difference(&made).collect();
    assert!(missing.is_empty(), "no page has the tables {missing:?}");
}

/// What `pipeline.yaml` only suggests is valid as well: every commented line that is YAML,
/// put in.
#[test]
fn what_the_default_suggests_is_valid() {
    let text = fs::read_to_string("pipeline.yaml").unwrap();
    let is_word = |key: &str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase());
    let mut count = 0;
    let mut put_in = String::new();
    for line in text.lines() {
        let suggested = line.trim_start().strip_prefix("# ");
        let key = suggested.and_then(|suggested| suggested.split_once(": "));
        if key.is_some_and(|(key, _)| is_word(key)) && line.starts_with(' ') {
            count += 1;
            put_in += &line.replacen("# ", "", 1);
        } else {
            put_in += line;
        }
        put_in.push('\n');
    }
    assert!(count >= 5, "only {count} suggestions in\n{put_in}");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("suggested.yaml");
    fs::write(&file, &put_in).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_eunomia-pipeline"))
        .args(["validate", "--config"])
        .arg(&file)
        .env("INFLUX_TOKEN", "given")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}\n{put_in}");
}

/// Every table that some page must have.
fn names() -> BTreeSet<String> {
    let probes = built_in().into_iter();
    let probes = probes.map(|probe| format!("probe {}", probe.name));
    let components = REGISTRY.list().into_iter();
    let components = components.map(|one| format!("{} {}", one.kind, one.name));
    let actor = ["actor".to_owned()];
    probes.chain(components).chain(actor).collect()
}

fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages.append(&mut self::pages(&path));
        } else if path.extension() == Some(OsStr::new("md")) {
            pages.push(path);
        }
    }
    pages.sort();
    pages
}

/// The page with its tables made anew; their names are added to `made`.
fn regenerated(page: &str, made: &mut BTreeSet<String>) -> String {
    let mut parts = page.split(BEGIN);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(" -->").unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        write!(text, "{BEGIN}{name} -->\n{}{END}{after}", table(name)).unwrap();
        made.insert(name.to_owned());
    }
    text
}

fn table(name: &str) -> String {
    match name.split_once(' ') {
        None if name == "actor" => actor(),
        Some(("probe", probe)) => about_probe(probe),
        Some((kind, component)) => options_of(kind, component),
        None => unreachable!("no table is called {name}"),
    }
}

/// What every event with our header carries.
fn actor() -> String {
    let probes = built_in();
    let event = probes.iter().flat_map(|probe| &probe.object.events).next();
    attributes(event.unwrap(), true)
}

fn about_probe(name: &str) -> String {
    let probes = built_in();
    let probe = probes.iter().find(|probe| &*probe.name == name).unwrap();
    let told = |event: &&Event| !event.is_state_only();
    let events = probe.object.events.iter().filter(told);
    let mut text = String::new();
    for event in events {
        write!(
            text,
            "\n### `{}`\n\n{}",
            event.schema.name,
            attributes(event, false)
        )
        .unwrap();
    }
    text + &options(probe) + &hooks(probe) + "\n"
}

fn attributes(event: &Event, of_header: bool) -> String {
    let schema = &event.schema;
    let mut text = String::from(HEADING);
    let of_this = |attribute: &&Attribute| schema.is_of_header(attribute) == of_header;
    for attribute in schema.attributes.iter().filter(of_this) {
        let (value_type, what) = (type_of(attribute), what(attribute));
        writeln!(text, "| `{}` | {value_type} | {what} |", attribute.key).unwrap();
    }
    if text == HEADING {
        return "Nothing beside the actor.\n".to_owned();
    }
    text
}

fn type_of(attribute: &Attribute) -> &'static str {
    match attribute.field.shape.value_type() {
        ValueType::Bool => "boolean",
        ValueType::Int | ValueType::Uint => "integer",
        ValueType::Float => "number",
        ValueType::Text => "text",
        ValueType::Raw => "hex text",
        ValueType::List | ValueType::RawList => "list",
    }
}

fn what(attribute: &Attribute) -> String {
    let shape = &attribute.field.shape;
    let mut notes = Vec::new();
    match shape {
        Shape::Integer { render, .. } => notes.extend(rendered(render)),
        Shape::Address => notes.push("IP address".to_owned()),
        Shape::Chars { length } => notes.push(format!("at most {} bytes", length - 1)),
        Shape::Text(Part::Base) => notes.push("the path's last part".to_owned()),
        Shape::TextList(Part::First) => notes.push("the list's first".to_owned()),
        Shape::TextList(Part::Joined) => notes.push("the list with blanks between".to_owned()),
        Shape::Text(Part::Whole | Part::First | Part::Joined)
        | Shape::TextList(Part::Whole | Part::Base)
        | Shape::Bits { .. }
        | Shape::Bool
        | Shape::Float { .. }
        | Shape::Bytes { .. }
        | Shape::Integers { .. }
        | Shape::TailBytes => {}
    }
    notes.extend(attribute.unit.as_ref().map(|unit| format!("unit `{unit}`")));
    let is_shown_whole = matches!(
        shape,
        Shape::TextList(Part::First) | Shape::Text(Part::Base)
    );
    if shape.is_tail() && !is_shown_whole {
        notes.push("`_truncated` where it was cut".to_owned());
    }
    if attribute.field.absent.is_some() {
        notes.push("may be absent".to_owned());
    }
    notes.join("; ")
}

fn rendered(render: &Render) -> Option<String> {
    match render {
        Render::Number => None,
        Render::Hex => Some("in hex".to_owned()),
        Render::Octal => Some("in octal".to_owned()),
        Render::Port => Some("port".to_owned()),
        Render::Errno => Some("name of an errno; absent without an error".to_owned()),
        Render::Signal => Some("name of a signal; absent without one".to_owned()),
        Render::Enum(names) => {
            let names: Vec<_> = names.iter().map(|(_, name)| format!("`{name}`")).collect();
            Some(names.join(" or "))
        }
        Render::Flags { names, .. } => {
            let names: Vec<_> = names.iter().map(|(_, name)| name).collect();
            Some(format!("out of {}, others in hex", names.join(" ")))
        }
    }
}

fn options(probe: &ProbeSummary) -> String {
    let options = &probe.object.options;
    if options.is_empty() {
        return "\n### Options\n\nNone.\n".to_owned();
    }
    let mut text = String::from("\n### Options\n\n| key | default | what |\n|---|---|---|\n");
    for ProbeOption { key, doc, global } in options {
        let default = match global.default_value() {
            Written::Bool(value) => value.to_string(),
            Written::Integer(value) => value.to_string(),
            Written::Float(value) => value.to_string(),
            Written::Text(value) | Written::Untyped(value) => value,
            Written::Null | Written::List(_) | Written::Map(_) | Written::Refused => String::new(),
        };
        writeln!(text, "| `{key}` | `{default}` | {doc} |").unwrap();
    }
    text
}

fn hooks(probe: &ProbeSummary) -> String {
    let mut text = String::from("\n### Hooks\n\n| program | hook |\n|---|---|\n");
    for program in &probe.object.programs {
        // The second of two that do the same.
        if program
            .pair
            .as_ref()
            .is_some_and(|first| *first != program.name)
        {
            continue;
        }
        let twice = if program.pair.is_some() {
            ", twice on 7.x"
        } else {
            ""
        };
        let how = if program.syscalls.is_empty() {
            ""
        } else {
            ", by the dispatcher"
        };
        writeln!(
            text,
            "| `{}` | `{}`{how}{twice} |",
            program.name, program.hook
        )
        .unwrap();
    }
    text
}

/// The keys of a component, those within with dots.
fn options_of(kind: &str, component: &str) -> String {
    let schema = config::schema(&REGISTRY);
    let section = &schema["properties"][format!("{kind}s")]["patternProperties"];
    let body = &section[format!("^{component}(/.+)?$")]["anyOf"][0];
    let mut rows = String::new();
    add_keys(&schema, body, "", &mut rows);
    if rows.is_empty() {
        return "It has no settings.\n".to_owned();
    }
    format!("| key | what |\n|---|---|\n{rows}")
}

fn add_keys(schema: &Value, body: &Value, path: &str, rows: &mut String) {
    let body = definition(schema, body);
    // Keys of a user's own choice, the known ones among them, are described as one.
    let is_open = body["additionalProperties"].is_object();
    let Some(keys) = body["properties"].as_object().filter(|_| !is_open) else {
        return;
    };
    for (key, value) in keys {
        let path = format!("{path}{key}");
        let before = rows.len();
        add_keys(schema, value, &format!("{path}."), rows);
        if rows.len() == before {
            let about = value["description"].as_str();
            let about = about.or(definition(schema, value)["description"].as_str());
            let about = about
                .unwrap_or_default()
                .replace('\n', " ")
                .replace('|', "\\|");
            writeln!(rows, "| `{path}` | {about} |").unwrap();
        }
    }
}

/// What a `$ref` stands for, also one among alternatives.
fn definition<'s>(schema: &'s Value, value: &'s Value) -> &'s Value {
    let alternatives = value["anyOf"].as_array().into_iter().flatten();
    let mut candidates = std::iter::once(value).chain(alternatives);
    let reference = candidates.find_map(|one| one["$ref"].as_str());
    let name = reference.and_then(|reference| reference.rsplit('/').next());
    name.map_or(value, |name| &schema["$defs"][name])
}
