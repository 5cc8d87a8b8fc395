//! What a component tells about its configuration, and the row by which it is known.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, de::DeserializeOwned};

use super::{ConfigError, ConfigErrors, Node, decode_partly};

/// The configuration of a component: the body that stands under its name.
///
/// Use `#[serde(default, deny_unknown_fields)]`, a doc comment for each field with its unit, default and bounds, and
/// `#[serde(skip_serializing_if = "Option::is_none")]` where absent means something.
pub trait Settings: DeserializeOwned + Serialize + JsonSchema + 'static {
    /// Refuses what is of the right type and wrong all the same: ranges, values that exclude each other.
    fn check(&self, _check: &mut Check<'_>) {}

    /// What nobody else in this process may use at the same time: `stdout`, `file out.jsonl`,
    /// `address 127.0.0.1:9464`; or only beside its like, as `shared file in.rec`. Two components of a running pipeline
    /// whose claims collide are refused.
    fn claims(&self) -> Vec<String> {
        Vec::new()
    }

    /// The contents of files that are a part of the settings: with other ones it is another component.
    fn contents(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }
}

/// Collects what a component refuses about its own settings.
#[derive(Debug)]
pub struct Check<'a> {
    node: &'a Node,
    errors: ConfigErrors,
}

impl<'a> Check<'a> {
    /// A check of what was written in `node`.
    pub fn new(node: &'a Node) -> Self {
        Self {
            node,
            errors: ConfigErrors::default(),
        }
    }

    /// Refuses the value under `keys`, a path below the component's body; the value around it if it wasn't written.
    pub fn refuse(&mut self, keys: &[&str], message: impl Into<String>) {
        self.errors.push(self.node.nearest(keys).error(message));
    }

    /// Refuses something at a place that the caller knows.
    pub fn push(&mut self, error: ConfigError) {
        self.errors.push(error);
    }

    /// What was refused.
    pub fn finish(self) -> ConfigErrors {
        self.errors
    }
}

/// Settings that were read and found right.
pub struct Ready<B: ?Sized> {
    /// The settings, as what builds the component.
    pub config: Box<B>,
    /// The settings with their defaults, secrets redacted.
    pub effective: serde_json::Value,
    /// See [`Settings::claims`].
    pub claims: Vec<String>,
    /// The same for the same settings, secrets and the contents of files
    /// included, for as long as the program runs.
    pub fingerprint: u64,
}

impl<B: ?Sized> fmt::Debug for Ready<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready")
            .field("effective", &self.effective)
            .field("claims", &self.claims)
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

/// A kind of component by its name in the configuration; `B` is the trait object that builds it.
pub struct Factory<B: ?Sized + 'static> {
    /// The name, as in `exporters: { NAME: ... }`.
    pub name: &'static str,
    read: fn(&Node, &mut Vec<String>) -> Result<Ready<B>, ConfigErrors>,
    schema: fn(&mut SchemaGenerator) -> Schema,
}

impl<B: ?Sized> fmt::Debug for Factory<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Factory")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Settings that can be boxed as the trait object `B`; every component trait has one line for it.
pub trait BoxedAs<B: ?Sized>: Settings {
    /// The settings in their box.
    fn boxed(self) -> Box<B>;
}

impl<B: ?Sized> Factory<B> {
    /// The row of the component with the settings `C`.
    pub const fn new<C: BoxedAs<B>>(name: &'static str) -> Self {
        Self {
            name,
            read: read::<B, C>,
            schema: schema::<C>,
        }
    }

    /// Reads a body; nothing at all is an empty one. The secrets in it are added to `secrets`, so that no message
    /// repeats them.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(&self, body: &Node, secrets: &mut Vec<String>) -> Result<Ready<B>, ConfigErrors> {
        (self.read)(body, secrets)
    }

    /// The JSON Schema of a body.
    pub fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        (self.schema)(generator)
    }
}

fn read<B: ?Sized, C: BoxedAs<B>>(
    body: &Node,
    secrets: &mut Vec<String>,
) -> Result<Ready<B>, ConfigErrors> {
    let (settings, mut errors, mut found) = decode_partly::<C>(body);
    let mut hasher = DefaultHasher::new();
    found.hash(&mut hasher);
    secrets.append(&mut found);
    let Some(settings) = settings else {
        return Err(errors);
    };
    let mut check = Check::new(body);
    settings.check(&mut check);
    let effective = serde_json::to_value(&settings).unwrap_or_else(|error| {
        check.refuse(&[], format!("can't be shown: {error}"));
        serde_json::Value::Null
    });
    // What contains a value that was refused before may be wrong for want of it.
    let mut refused = check.finish();
    let before = |error: &ConfigError| {
        errors
            .0
            .iter()
            .any(|other| other.path.starts_with(&*error.path))
    };
    refused.0.retain(|error| !before(error));
    errors.append(refused);
    let claims = settings.claims();
    errors.or(())?;
    // The order of keys means nothing.
    let mut sorted = effective.clone();
    sorted.sort_all_objects();
    sorted.to_string().hash(&mut hasher);
    settings.contents().hash(&mut hasher);
    let config = settings.boxed();
    Ok(Ready {
        config,
        effective,
        claims,
        fingerprint: hasher.finish(),
    })
}

fn schema<C: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<C>()
}
