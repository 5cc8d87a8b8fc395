//! `run` as a configuration, so that there is one way to build a pipeline.

use eunomia_core::config::{Entry, Node, Span, Value};

use super::{EventFormat, FilterArgs, RunArgs, options::long_name};

/// The receiver that `run` uses.
const RECEIVER: &str = "ebpf";
/// The processors that `run` always has, in their order.
const PROCESSORS: [&str; 2] = ["process", "container"];
/// The exporter for people.
const TABLE: &str = "console";
/// The exporter for programs.
const NDJSON: &str = "json";

impl RunArgs {
    /// What was typed as the tree of a configuration; each value has its option as its place.
    pub fn to_node(&self) -> Node {
        let exporter = match self.format {
            EventFormat::Table => TABLE,
            EventFormat::Ndjson => NDJSON,
        };
        let pipeline = map([
            ("receivers", names(&[RECEIVER])),
            ("processors", names(&PROCESSORS)),
            ("exporters", names(&[exporter])),
        ]);
        let receiver = map([
            ("probes", self.probes()),
            ("filter", self.filters.to_node()),
        ]);
        let mut root = map([
            ("version", node(Value::Integer(1))),
            ("receivers", map([(RECEIVER, receiver)])),
            ("processors", map(PROCESSORS.map(|name| (name, map([]))))),
            ("exporters", map([(exporter, self.exporter())])),
            ("service", map([("pipelines", map([("run", pipeline)]))])),
        ]);
        root.set_paths("");
        root
    }

    fn probes(&self) -> Node {
        let mut probes = map([]);
        for name in &self.probes {
            if probes.get(name).is_some() {
                continue;
            }
            let mut options = map([]);
            for option in self.options.iter().filter(|option| option.probe == *name) {
                let place = format!("--{}", long_name(&option.key));
                add(&mut options, &option.key, untyped(&option.value, &place));
            }
            add(&mut probes, name, options);
        }
        probes
    }

    /// The body of the exporter: it loses nothing, and writes to stdout unless told otherwise.
    fn exporter(&self) -> Node {
        let mut body = map([("queue", map([("when_full", text("block"))]))]);
        match (&self.output, self.format) {
            (Some(path), _) => add(
                &mut body,
                "path",
                untyped(&path.to_string_lossy(), "--output"),
            ),
            (None, EventFormat::Ndjson) => add(&mut body, "path", text("-")),
            (None, EventFormat::Table) => {}
        }
        if self.no_headers && self.format == EventFormat::Table {
            let given = Node::new(Value::Bool(false), Span::whole("--no-headers"));
            add(&mut body, "headers", given);
        }
        body
    }
}

impl FilterArgs {
    /// The filters that were given, under their names in the configuration.
    fn to_node(&self) -> Node {
        let mut filter = map([]);
        for (key, option, values) in [
            ("pid", "--pid", &self.pid),
            ("pid_tree", "--pid-tree", &self.pid_tree),
            ("cgroup", "--cgroup", &self.cgroup),
            ("container", "--container", &self.container),
            ("uid", "--uid", &self.uid),
            ("comm", "--comm", &self.comm),
            ("pid_namespace", "--pid-namespace", &self.pid_namespace),
        ] {
            if !values.is_empty() {
                let values = values.iter().map(|value| untyped(value, option)).collect();
                add(
                    &mut filter,
                    key,
                    Node::new(Value::List(values), Span::whole(option)),
                );
            }
        }
        if self.containers_only {
            let given = Node::new(Value::Bool(true), Span::whole("--containers-only"));
            add(&mut filter, "containers_only", given);
        }
        filter
    }
}

fn node(value: Value) -> Node {
    Node::new(value, Span::whole("run"))
}

fn text(text: &str) -> Node {
    node(Value::Text(text.to_owned()))
}

fn untyped(value: &str, option: &str) -> Node {
    Node::new(Value::Untyped(value.to_owned()), Span::whole(option))
}

fn names(names: &[&str]) -> Node {
    node(Value::List(names.iter().map(|name| text(name)).collect()))
}

fn map<const N: usize>(entries: [(&str, Node); N]) -> Node {
    let mut map = Node::map(Span::whole("run"));
    for (key, value) in entries {
        add(&mut map, key, value);
    }
    map
}

/// Puts `value` under `key`; of an option that is given twice the later value counts.
fn add(map: &mut Node, key: &str, value: Node) {
    if let Value::Map(entries) = &mut map.value {
        entries.retain(|entry| entry.key != key);
        let key_span = value.span.clone();
        entries.push(Entry {
            key: key.to_owned(),
            key_span,
            node: value,
        });
    }
}
