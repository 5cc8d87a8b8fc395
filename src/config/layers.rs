//! Several sources as one: maps join, everything else is replaced by the later source.
//!
//! The `config` crate decides which source holds at each key. It coerces values and knows no places, so it is given the
//! number of the source in place of each value, and the value itself is taken from that source's tree.

use config::{Config, ConfigError as LayerError, Map, Source, Value as Choice, ValueKind};
use eunomia_core::config::{ConfigError, Entry, Node, Span, Value};

/// The one top-level key that `config` sees: it takes those for paths, and component names may have dots.
const ROOT: &str = "root";

/// Joins `layers`, the later over the earlier. Warnings are about sections that an overlay left empty.
///
/// # Errors
/// None that a user can cause.
pub(super) fn merge(mut layers: Vec<Node>) -> Result<(Node, Vec<ConfigError>), ConfigError> {
    let warnings = drop_empty_overlays(&mut layers);
    let Some(first) = layers.first() else {
        return Ok((Node::map(Span::whole("no configuration")), warnings));
    };
    let start = first.span.clone();
    let mut builder = Config::builder();
    for (number, layer) in layers.iter().enumerate() {
        builder = builder.add_source(Layer(choice(layer, number)));
    }
    let chosen = builder
        .build()
        .and_then(|config| config.collect())
        .map_err(|error| {
            ConfigError::new(start.clone(), "", format!("can't be merged: {error}"))
        })?;
    let merge = Merge { layers: &layers };
    let mut root = match chosen.get(ROOT) {
        Some(chosen) => merge.node(chosen, &mut Vec::new()),
        None => Node::map(start),
    };
    root.set_paths("");
    Ok((root, warnings))
}

/// A source's tree with its number in place of every value.
#[derive(Clone, Debug)]
struct Layer(Choice);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Choice>, LayerError> {
        Ok([(ROOT.to_owned(), self.0.clone())].into_iter().collect())
    }
}

fn choice(node: &Node, number: usize) -> Choice {
    let kind = if let Value::Map(entries) = &node.value {
        let entries = entries.iter();
        ValueKind::Table(
            entries
                .map(|entry| (entry.key.clone(), choice(&entry.node, number)))
                .collect(),
        )
    } else {
        ValueKind::U64(number as u64)
    };
    Choice::new(None, kind)
}

/// Takes the chosen values from their sources.
struct Merge<'a> {
    layers: &'a [Node],
}

impl Merge<'_> {
    fn node<'c>(&self, chosen: &'c Choice, path: &mut Vec<&'c str>) -> Node {
        if let ValueKind::Table(table) = &chosen.kind {
            let mut entries = Vec::with_capacity(table.len());
            for (key, chosen) in table {
                path.push(key);
                let node = self.node(chosen, path);
                let key_span = self.key_span(&node, path);
                path.pop();
                let key = key.clone();
                entries.push(Entry {
                    key,
                    key_span,
                    node,
                });
            }
            let is_map = |node: &&Node| matches!(node.value, Value::Map(_));
            let map = self
                .layers
                .iter()
                .filter_map(|layer| at(layer, path))
                .find(is_map);
            let span = map.map_or_else(|| Span::whole("no configuration"), |map| map.span.clone());
            return Node::new(Value::Map(entries), span);
        }
        let ValueKind::U64(number) = chosen.kind else {
            return Node::map(Span::whole("no configuration"));
        };
        let number = usize::try_from(number).ok();
        let value = number
            .and_then(|number| self.layers.get(number))
            .and_then(|layer| at(layer, path));
        value
            .cloned()
            .unwrap_or_else(|| Node::map(Span::whole("no configuration")))
    }

    /// Where the last key of `path` stands in the source that `node` comes from.
    fn key_span(&self, node: &Node, path: &[&str]) -> Span {
        let Some((last, parents)) = path.split_last() else {
            return node.span.clone();
        };
        let keys = self
            .layers
            .iter()
            .filter_map(|layer| at(layer, parents)?.entry(last));
        let mut same_file = keys.filter(|entry| entry.node.span == node.span);
        same_file
            .next()
            .map_or_else(|| node.span.clone(), |entry| entry.key_span.clone())
    }
}

fn at<'a>(node: &'a Node, path: &[&str]) -> Option<&'a Node> {
    path.iter().try_fold(node, |node, key| node.get(key))
}

/// Takes out of the later layers what is null there and something before: a section without a body erases nothing.
fn drop_empty_overlays(layers: &mut [Node]) -> Vec<ConfigError> {
    let mut warnings = Vec::new();
    for number in 1..layers.len() {
        let (before, rest) = layers.split_at_mut(number);
        if let Some(layer) = rest.first_mut() {
            drop_empty(layer, before, &mut Vec::new(), &mut warnings);
        }
    }
    warnings
}

fn drop_empty(
    node: &mut Node,
    before: &[Node],
    path: &mut Vec<String>,
    warnings: &mut Vec<ConfigError>,
) {
    let Value::Map(entries) = &mut node.value else {
        return;
    };
    entries.retain_mut(|entry| {
        path.push(entry.key.clone());
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        let said = before
            .iter()
            .filter_map(|layer| at(layer, &keys))
            .any(|node| !node.is_null());
        let keep = !(entry.node.is_null() && said);
        if keep {
            drop_empty(&mut entry.node, before, path, warnings);
        } else {
            let message = "has no value here, so the one of the file before stays";
            let warning = ConfigError::new(entry.key_span.clone(), keys.join("."), message);
            warnings.push(warning.with_help("write `{}` or `[]`, or leave the key out"));
        }
        path.pop();
        keep
    });
}
