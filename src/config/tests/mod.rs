//! Configurations in, settings or complaints out; with toy components.

mod toys;

use std::{env, ffi::OsString, fs, io, path::PathBuf, process};

use eunomia_core::config::{ConfigError, ConfigErrors, Span, Value as Written};
use serde_json::{Value, json};

use self::toys::{REGISTRY, Toy};
use super::{
    Configuration, Report, Source, Surroundings, check, effective, expand, load, schema, set,
    to_yaml, yaml,
};

type Toys = Configuration<dyn Toy, dyn Toy, dyn Toy>;

/// Writes texts into a directory of the test and loads them.
struct Case {
    directory: PathBuf,
    files: Vec<PathBuf>,
    sets: Vec<String>,
}

impl Case {
    fn new(name: &str) -> Self {
        let directory = env::temp_dir().join(format!("eunomia-config-{}-{name}", process::id()));
        fs::create_dir_all(&directory).unwrap();
        Self {
            directory,
            files: Vec::new(),
            sets: Vec::new(),
        }
    }

    fn file(mut self, text: &str) -> Self {
        let path = self.directory.join(format!("{}.yaml", self.files.len()));
        fs::write(&path, text).unwrap();
        self.files.push(path);
        self
    }

    fn set(mut self, argument: &str) -> Self {
        self.sets.push(argument.to_owned());
        self
    }

    fn load(self) -> Result<(Toys, Report), Box<Report>> {
        load(&self.files, &self.sets, &REGISTRY, surroundings())
    }

    /// The errors and warnings without the directory.
    #[track_caller]
    fn complaints(self) -> String {
        let directory = format!("{}/", self.directory.display());
        let text = match self.load() {
            Ok((_, report)) => report.to_text(),
            Err(report) => report.to_text(),
        };
        text.replace(&directory, "")
    }

    #[track_caller]
    fn effective(self) -> Value {
        let directory = self.directory.clone();
        match self.load() {
            Ok((configuration, _)) => effective(&configuration),
            Err(report) => panic!("{}: {}", directory.display(), report.to_text()),
        }
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.directory).unwrap();
    }
}

/// An environment of a few variables, and one file.
fn surroundings() -> Surroundings<'static> {
    Surroundings {
        variable: &|name| match name {
            "TOKEN" => Some(OsString::from("s3cr3t: [\n$")),
            "PORT" => Some(OsString::from("8086")),
            "EMPTY" => Some(OsString::new()),
            _ => None,
        },
        read: &|path| match path.to_str() {
            Some("/secret") => Ok("from a file\n".to_owned()),
            _ => Err(io::ErrorKind::NotFound.into()),
        },
    }
}

const MINIMAL: &str = "\
version: 1
receivers:
  ebpf:
exporters:
  console: {}
service:
  pipelines:
    events: { receivers: [ebpf], exporters: [console] }
";

/// A file with nothing but what must be there is right, and its defaults are shown.
#[test]
fn the_least_file_is_right() {
    let expected = json!({
        "version": 1,
        "receivers": { "ebpf": { "probes": {}, "ring": "2MiB", "observe_self": false } },
        "processors": {},
        "exporters": { "console": { "queue": { "max_bytes": "64MiB", "when_full": "block" } } },
        "service": {
            "telemetry": { "log_level": "info", "log_format": "text", "metrics": true, "traces": false },
            "pipelines": { "events": { "receivers": ["ebpf"], "processors": [], "exporters": ["console"] } },
        },
    });
    assert_eq!(Case::new("least").file(MINIMAL).effective(), expected);
}

/// Maps join, lists and values are replaced, and `--set` has the last word.
#[test]
fn later_sources_win() {
    let case = Case::new("layers")
        .file(&format!("{MINIMAL}processors:\n  filter: {{ drop: a }}\n"))
        .file("receivers: { ebpf: { filter: { pid: [1, 2], uid: [0] } } }\nprocessors: { filter: { drop: b } }\n")
        .file("receivers: { ebpf: { filter: { pid: [3] } }, ebpf/files.new: { ring: 1MiB } }\n")
        .set("receivers.ebpf.filter.uid=[42]")
        .set("receivers.\"ebpf/files.new\".observe_self=true")
        .set("exporters.json.path=a=b")
        .set("service.pipelines.events.processors=[filter]");
    let tree = case.effective();
    assert_eq!(tree["receivers"]["ebpf"]["filter"]["pid"], json!([3]));
    assert_eq!(tree["receivers"]["ebpf"]["filter"]["uid"], json!([42]));
    assert_eq!(tree["receivers"]["ebpf/files.new"]["ring"], "1MiB");
    assert_eq!(tree["receivers"]["ebpf/files.new"]["observe_self"], true);
    assert_eq!(tree["processors"]["filter"]["drop"], "b");
    assert_eq!(tree["exporters"]["json"]["path"], "a=b");
    assert_eq!(
        tree["service"]["pipelines"]["events"]["processors"],
        json!(["filter"])
    );
}

/// An error after a merge stands where its value was written.
#[test]
fn places_survive_the_merge() {
    let complaints = Case::new("places")
        .file(MINIMAL)
        .file("receivers:\n  ebpf:\n    filter:\n      pid: [1, x]\n")
        .set("receivers.ebpf.filter.uid=[1, y]")
        .set("receivers.ebpf.rong=1MiB")
        .complaints();
    insta::assert_snapshot!(complaints, @r#"
    1.yaml:4:16: receivers.ebpf.filter.pid[1]: expected a whole number from 0 to 4294967295, found text "x"
      4 |       pid: [1, x]
        |                ^
    --set receivers.ebpf.filter.uid:1:31: receivers.ebpf.filter.uid[1]: expected a whole number from 0 to 4294967295, found text "y"
      1 | receivers.ebpf.filter.uid=[1, y]
        |                               ^
    --set receivers.ebpf.rong:1:16: receivers.ebpf.rong: unknown key `rong`
      1 | receivers.ebpf.rong=1MiB
        |                ^
      help: did you mean `ring`? The known keys: probes, filter, ring, observe_self
    "#);
}

/// What is no value of `--set` is answered with what to write.
#[test]
fn arguments_that_are_no_values_are_answered() {
    let usage = "write `--set KEY.KEY=VALUE`, such as `--set receivers.TYPE.KEY=[42]`";
    let quotes = "within `[ ]` and `{ }` a reference stands in quotes, such as \"${env:NAME}\"";
    for (argument, message, help) in [
        ("a.b", "--set a.b:1:4: expected `=` and a value", usage),
        (
            "a..b=1",
            "--set a..b:1:1: expected keys joined by dots",
            usage,
        ),
        (
            "a.b=[1",
            "--set a.b:1:5: the value is not valid YAML",
            usage,
        ),
        (
            "a.b=[${env:X}]",
            "--set a.b:1:5: the value is not valid YAML",
            quotes,
        ),
    ] {
        let complaints = Case::new("no-value")
            .file(MINIMAL)
            .set(argument)
            .complaints();
        assert!(complaints.starts_with(message), "{complaints}");
        assert!(complaints.contains(help), "{complaints}");
    }
}

/// Quotes are the remedy for a reference outside them and nothing else.
#[test]
fn only_a_bare_reference_is_told_to_stand_in_quotes() {
    for (text, is_bare) in [
        ("a: [${env:X}]", true),
        ("a: {b: ${env:X}}", true),
        ("a: [it's ${env:X}]", true),
        ("a: ['b', ${env:X}]", true),
        ("a: [\n  ${env:X},\n]", true),
        ("a: [b,\n  c, ${env:X}]", true),
        ("a: {\n  b: ${env:X},\n}", true),
        ("a: [b] ${env:X}", false),
        ("a: see [b] ${env:X}: y", false),
        ("${env:X}: b: c", false),
        ("a: b\n${env:X} c", false),
        ("a: \"b\n${env:X}\n", false),
        ("a: b: [${env:X}]", false),
        ("a: [\"b\\\"${env:X}\" c]", false),
        ("a: [b, ${env:X}", false),
        ("a: [\"${env:X}\" b]", false),
        ("a: ['${env:X}' b]", false),
        ("a: [b, c: {] # not ${env:X}", false),
        ("a: b: ${env:X}", false),
    ] {
        let complaints = Case::new("bare").file(text).complaints();
        assert!(
            complaints.contains("not valid YAML"),
            "{text}: {complaints}"
        );
        let told = complaints.contains("stands in quotes");
        assert_eq!(told, is_bare, "{text}: {complaints}");
    }
}

/// A bare section in a later file erases nothing, and says so.
#[test]
fn an_empty_section_in_an_overlay_is_not_mentioned() {
    let case = Case::new("null")
        .file(&MINIMAL.replace("ebpf:\n", "ebpf: { ring: 4MiB }\n"))
        .file("exporters:\nreceivers:\n  ebpf:\n    ring:\n");
    insta::assert_snapshot!(case.complaints(), @r"
    1.yaml:1:1: warning: exporters: has no value here, so the one of the file before stays
      1 | exporters:
        | ^
      help: write `{}` or `[]`, or leave the key out
    1.yaml:4:5: warning: receivers.ebpf.ring: has no value here, so the one of the file before stays
      4 |     ring:
        |     ^
      help: write `{}` or `[]`, or leave the key out
    ");
}

/// References are expanded in values, take the type of their field when they are all of it, and are never parsed.
#[test]
fn references_are_expanded_on_values_only() {
    let node = |text: &str| {
        let mut node = yaml::parse(&Source::new("a", text)).0.unwrap();
        let errors = expand::expand(&mut node, surroundings());
        (node, errors)
    };
    let (tree, errors) = node(
        "port: ${env:PORT}\ntoken: ${env:TOKEN}\nmixed: a${env:PORT}b\ndefault: ${env:NONE:-d:-e}\n\
         empty: \"${env:EMPTY:-x}\"\nfile: ${file:/secret}\ndollar: $$$${env:X} 5$ $a\n",
    );
    assert_eq!(errors, ConfigErrors::default());
    let text = |key: &str| tree.get(key).unwrap().decode::<String>().unwrap();
    assert_eq!(tree.get("port").unwrap().decode::<u16>(), Ok(8086));
    assert!(tree.get("mixed").unwrap().decode::<u16>().is_err());
    assert_eq!(text("token"), "s3cr3t: [\n$");
    assert_eq!(text("mixed"), "a8086b");
    assert_eq!(text("default"), "d:-e");
    assert_eq!(text("empty"), "");
    assert_eq!(text("file"), "from a file");
    assert_eq!(text("dollar"), "$${env:X} 5$ $a");
    for text in [
        "${env:NONE}",
        "${file:/none}",
        "${1}",
        "${env:PORT",
        "a ${NAME}",
    ] {
        let (tree, ConfigErrors(errors)) = node(&format!("- {text:?}"));
        assert_eq!(errors.len(), 1, "{text}");
        assert_eq!(tree.items()[0].value, Written::Refused);
    }
}

/// What YAML 1.1 made of plain words is text here.
#[test]
fn plain_scalars_mean_what_yaml_1_2_says() {
    let tree = yaml::parse(&Source::new(
        "a",
        "[yes, on, 0123, 1_000, 0x10, 1e3, .inf, ~, True]",
    ))
    .0
    .unwrap();
    let shown = serde_json::to_value(&tree).unwrap();
    assert_eq!(
        shown,
        json!(["yes", "on", "0123", "1_000", 16, 1000.0, ".inf", null, true])
    );
}

/// A document that unfolds into more than a configuration can be is stopped.
#[test]
fn an_alias_bomb_is_stopped() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        text.push_str(&format!(
            "a{level}: &a{level} [{}]\n",
            [before.as_str(); 9].join(", ")
        ));
    }
    let (tree, errors) = yaml::parse(&Source::new("bomb.yaml", text));
    assert!(tree.is_none());
    assert_eq!(errors.0.len(), 1);
}

/// A list that is nested without end is stopped, and not by the stack.
#[test]
fn endless_nesting_is_stopped() {
    let (tree, errors) = yaml::parse(&Source::new("deep.yaml", "[".repeat(100_000)));
    assert_eq!((tree.is_none(), errors.0.len()), (true, 1));
    let (tree, errors) = yaml::parse(&Source::new("deep.yaml", "- ".repeat(100_000)));
    assert_eq!((tree.is_none(), errors.0.len()), (true, 1));
}

/// Windows' line ends and byte order mark change nothing.
#[test]
fn a_file_from_elsewhere_is_read() {
    let text = format!("\u{feff}{}", MINIMAL.replace('\n', "\r\n"));
    assert_eq!(Case::new("crlf").file(&text).effective()["version"], 1);
}

/// Whatever is missing or changed in a file, the answer is errors.
#[test]
fn no_broken_file_ends_the_program() {
    let text = fs::read_to_string("tests/validate/all_at_once.yaml").unwrap();
    for (at, _) in text.char_indices() {
        let (before, after) = text.split_at(at);
        let without = after.chars().skip(1).collect::<String>();
        for broken in [
            before.to_owned(),
            format!("{before}{without}"),
            format!("{before}-{after}"),
        ] {
            let (node, errors) = yaml::parse(&Source::new("broken.yaml", broken));
            let Some(node) = node else {
                assert!(!errors.is_empty());
                continue;
            };
            assert!(check(&node, &REGISTRY, Report::default()).is_err());
        }
    }
}

/// Anchors and merge keys work, and an error in them stands at the alias.
#[test]
fn anchors_and_merge_keys_work() {
    let text = "a: &a { x: 1, y: 2 }\nb: { <<: *a, y: 3 }\n";
    let tree = yaml::parse(&Source::new("a", text)).0.unwrap();
    assert_eq!(
        serde_json::to_value(tree.get("b")).unwrap(),
        json!({"x": 1, "y": 3})
    );
}

/// Secrets stand in no message and in no printed configuration, which reads back as what it was.
#[test]
fn the_printed_configuration_has_no_secrets_and_reads_back() {
    let otlp = "  otlp: { endpoint: \"http://h/$${x}\", headers: { a: hunter2, b: hunter3 } }\n";
    let text = MINIMAL.replace("exporters:\n", &format!("exporters:\n{otlp}"));
    let tree = Case::new("print").file(&text).effective();
    let printed = to_yaml(&tree).unwrap();
    assert!(!printed.contains("hunter"), "{printed}");
    assert_eq!(Case::new("reprint").file(&printed).effective(), tree);
    let wrong = text
        .replace("hunter3 }", "hunter3 }, typo: 1")
        .replace("[console]", "[consol]");
    let complaints = Case::new("secret").file(&wrong).complaints();
    assert!(
        complaints.contains("typo") && complaints.contains("[redacted]"),
        "{complaints}"
    );
    assert!(!complaints.contains("hunter"), "{complaints}");
    let help = ConfigError::new(Span::whole("x"), "", "wrong").with_help("not hunter3");
    let report = Report {
        errors: help.into(),
        secrets: vec!["hunter3".to_owned()],
        ..Report::default()
    };
    let shown = report.to_json().to_string();
    assert!(shown.contains("not [redacted]"), "{shown}");
}

/// The JSON Schema names every component, and lets references stand for numbers.
#[test]
fn the_schema_covers_every_component() {
    let schema = schema(&REGISTRY);
    let exporters = &schema["properties"]["exporters"]["patternProperties"];
    let names: Vec<&String> = exporters.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "^console(/.+)?$",
            "^json(/.+)?$",
            "^prometheus(/.+)?$",
            "^otlp(/.+)?$"
        ]
    );
    let pid = &schema["$defs"]["KernelFilter"]["properties"]["pid"]["items"]["anyOf"];
    assert_eq!(pid[0]["type"], "integer");
    assert_eq!(pid[1]["type"], "string");
    assert_eq!(schema["$defs"]["Ebpf"]["additionalProperties"], false);
}

/// The list of components says what each is for.
#[test]
fn components_are_listed_with_their_purpose() {
    let list = REGISTRY.list();
    let first = list.first().unwrap();
    assert_eq!(
        (first.kind, first.name, first.about.as_str()),
        ("receiver", "ebpf", "Takes events from the kernel.")
    );
    assert_eq!(list.len(), 9);
}

/// Errors for programs say the same as those for people.
#[test]
fn the_report_is_available_as_json() {
    let case = Case::new("json").file("version: 2\n");
    let report = case.load().err().unwrap().to_json();
    assert_eq!(report["valid"], false);
    assert_eq!(report["diagnostics"][0]["line"], 1);
    assert_eq!(report["diagnostics"][0]["severity"], "error");
}

/// Keys of `--set` are joined by dots; quotes keep a dot within a key.
#[test]
fn set_keys_are_split_at_dots() {
    let (tree, errors) = set::parse(&set::source("a.\"b.c\".d/e=[1, {f: g}]"));
    assert_eq!(errors, ConfigErrors::default());
    assert_eq!(
        serde_json::to_value(tree.unwrap()).unwrap(),
        json!({"a": {"b.c": {"d/e": [1, {"f": "g"}]}}})
    );
    for wrong in [
        "a",
        "a..b=1",
        ".a=1",
        "=1",
        "a.\"b=1",
        "a=[1",
        "a={b: 1, b: 2}",
        &format!("a{}=1", ".a".repeat(100)),
    ] {
        let (_, ConfigErrors(errors)) = set::parse(&set::source(wrong));
        assert_eq!(errors.len(), 1, "{wrong}");
    }
}

/// Each broken file in `tests/validate` is answered with its place, what was expected, and what to do.
#[test]
fn broken_files_are_answered_with_place_expectation_and_remedy() {
    let mut files: Vec<PathBuf> = fs::read_dir("tests/validate")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    assert!(files.len() >= 30, "only {} files", files.len());
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let report = load(&[file], &[], &REGISTRY, surroundings())
            .map(drop)
            .unwrap_err();
        let text = report.to_text();
        let settings = || insta::Settings::clone_current();
        let mut settings = settings();
        settings.set_snapshot_path("../../../tests/validate");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, text));
    }
}
