//! What the details of an event kind are and how they are called, worked out
//! once from its schema.
//!
//! Details are the attributes that the kind declares itself; what its header
//! says of the actor stands in columns of its own. The first text of variable
//! length is the headline: a path, a command line. It needs no label.

use std::sync::Arc;

use eunomia_core::schema::{Attribute, EventSchema, Part, Render, Shape};

use super::escape::write_harmless;

/// An event kind as the table shows it.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) schema: Arc<EventSchema>,
    /// The event's name as it is shown.
    pub(crate) title: String,
    /// The attribute that holds the actor's own name for itself.
    pub(crate) actor_name: Option<usize>,
    /// The details in the order they are shown.
    pub(crate) details: Vec<Detail>,
}

/// One detail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Detail {
    /// Its attribute in the schema.
    pub(crate) position: usize,
    /// Its label with the equals sign; empty for the headline.
    pub(crate) label: String,
    pub(crate) form: Form,
    /// Whether it may spell one number out.
    pub(crate) is_spelled: bool,
}

/// What kind of detail it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The value that stands for the event.
    Headline,
    /// The name of an error.
    Failure,
    /// An address, with the position of the port that belongs to it.
    Endpoint(Option<usize>),
    /// A time in nanoseconds.
    Nanoseconds,
    /// Anything else.
    Plain,
}

/// The event kinds that were seen.
#[derive(Debug, Default)]
pub(crate) struct Kinds(Vec<Arc<Kind>>);

/// Kinds that are remembered; hot-loaded objects come and go.
const MAX_KINDS: usize = 256;

impl Kinds {
    /// The kind of events with this schema.
    pub(crate) fn get(&mut self, schema: &Arc<EventSchema>) -> Arc<Kind> {
        let known = |kind: &&Arc<Kind>| Arc::ptr_eq(&kind.schema, schema);
        if let Some(kind) = self.0.iter().find(known) {
            return Arc::clone(kind);
        }
        if self.0.len() >= MAX_KINDS {
            self.0.clear();
        }
        let kind = Arc::new(Kind::new(schema));
        self.0.push(Arc::clone(&kind));
        kind
    }
}

/// Words that say nothing without the one before them.
const NEEDS_OWNER: [&str; 9] = [
    "name", "id", "code", "address", "port", "size", "count", "mode", "version",
];

impl Kind {
    pub(crate) fn new(schema: &Arc<EventSchema>) -> Self {
        let own: Vec<_> = schema
            .attributes
            .iter()
            .enumerate()
            .filter(|(_, attribute)| !schema.is_of_header(attribute))
            .filter(|(_, attribute)| is_best_view(attribute, schema))
            .collect();
        let headline = own
            .iter()
            .position(|(_, a)| matches!(a.field.shape, Shape::Text(_) | Shape::TextList(_)));
        let mut details = Vec::new();
        let belongs = |port: &Attribute, address: &Attribute| {
            is_port(port) && is_address(address) && stem(port) == stem(address)
        };
        for (index, (position, attribute)) in own.iter().enumerate() {
            if own.iter().any(|(_, address)| belongs(attribute, address)) {
                continue;
            }
            let mut form = form(attribute);
            if headline == Some(index) {
                form = Form::Headline;
            } else if let Form::Endpoint(port) = &mut form {
                let own_port = own.iter().find(|(_, port)| belongs(port, attribute));
                *port = own_port.map(|(at, _)| *at);
            }
            let label = label(index, form, &own);
            details.push(Detail {
                position: *position,
                label,
                form,
                is_spelled: is_spelled(attribute, form),
            });
        }
        // What failed is seen first; the sort is stable.
        details.sort_by_key(|detail| match detail.form {
            Form::Headline => 0,
            Form::Failure => 1,
            Form::Endpoint(_) | Form::Nanoseconds | Form::Plain => 2,
        });
        let mut title = String::new();
        write_harmless(schema.name.name().as_bytes(), &mut title);
        Self {
            title,
            actor_name: actor_name(schema),
            schema: Arc::clone(schema),
            details,
        }
    }
}

/// The header's one text of fixed length is what the process calls itself.
fn actor_name(schema: &EventSchema) -> Option<usize> {
    schema.attributes.iter().position(|attribute| {
        schema.is_of_header(attribute) && matches!(attribute.field.shape, Shape::Chars { .. })
    })
}

/// Of several views of one field only the one that shows all of it exactly.
fn is_best_view(attribute: &Attribute, schema: &EventSchema) -> bool {
    let rank = |shape: &Shape| {
        let (Shape::Text(part) | Shape::TextList(part)) = shape else {
            return 0;
        };
        match part {
            Part::Whole => 0,
            Part::Joined => 1,
            Part::Base | Part::First => 2,
        }
    };
    let own = rank(&attribute.field.shape);
    !schema.attributes.iter().any(|other| {
        other.field.offset == attribute.field.offset
            && other.field.shape.is_tail()
            && rank(&other.field.shape) < own
    })
}

fn form(attribute: &Attribute) -> Form {
    if is_rendered(attribute, &Render::Errno) {
        Form::Failure
    } else if is_address(attribute) {
        Form::Endpoint(None)
    } else if attribute.unit.as_deref() == Some("ns") {
        Form::Nanoseconds
    } else {
        Form::Plain
    }
}

/// An endpoint is two numbers.
fn is_spelled(attribute: &Attribute, form: Form) -> bool {
    attribute.field.shape.is_spelled() && !matches!(form, Form::Endpoint(Some(_)))
}

fn is_address(attribute: &Attribute) -> bool {
    attribute.field.shape == Shape::Address
}

/// What an address and its port have in common: the name up to the last dot.
fn stem(attribute: &Attribute) -> &str {
    let name = attribute.key.name();
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn is_port(attribute: &Attribute) -> bool {
    is_rendered(attribute, &Render::Port)
}

fn is_rendered(attribute: &Attribute, as_what: &Render) -> bool {
    matches!(&attribute.field.shape, Shape::Integer { render, .. } if render == as_what)
}

/// The shortest end of an attribute's name that no other detail has.
fn label(index: usize, form: Form, own: &[(usize, &Attribute)]) -> String {
    let parts_of = |index: usize| -> Vec<&str> {
        own.get(index)
            .map(|(_, attribute)| parts(attribute))
            .unwrap_or_default()
    };
    let parts = parts_of(index);
    // With its port it is no mere address: `peer=192.0.2.7:443`.
    let parts = match (form, parts.split_last()) {
        (Form::Headline, _) => return String::new(),
        (Form::Endpoint(Some(_)), Some((_, owner))) if !owner.is_empty() => owner,
        _ => &parts,
    };
    let least = match parts.last() {
        Some(last) if NEEDS_OWNER.contains(last) => 2,
        Some(_) | None => 1,
    };
    let is_shared = |label: &[&str]| {
        (0..own.len()).any(|other| other != index && parts_of(other).ends_with(label))
    };
    for length in least..parts.len() {
        let label = parts.get(parts.len() - length..).unwrap_or_default();
        if !is_shared(label) {
            return format!("{}=", label.join("."));
        }
    }
    format!("{}=", parts.join("."))
}

/// The parts of an attribute's name that say something.
fn parts(attribute: &Attribute) -> Vec<&str> {
    let mut name = attribute.key.name();
    if attribute.unit.as_deref() == Some("ns") {
        name = name.strip_suffix("_ns").unwrap_or(name);
    }
    // `error.type` is the error, `network.type` is the network.
    name = name.strip_suffix(".type").unwrap_or(name);
    name.split('.').collect()
}
