use std::sync::Arc;

use proptest::prelude::*;

use super::{Condition, Known, MAX_DEPTH, MAX_LENGTH, Vocabulary, parse};
use crate::batch::{Batch, Made, SubjectIndex, Target};
use crate::key::Key;
use crate::names::Names;
use crate::process::ExecId;
use crate::schema::{Attribute, EventSchema, Field, IntegerSize, Part, Render, Shape};
use crate::schema::{TEXT_PRESENT, TEXT_TRUNCATED, TailRef};
use crate::subject::{Attributes, Cgroup, CgroupKey, Container, Process, ProcessId, Subject};
use crate::time::{BootNanos, ClockOffset};
use crate::value::{OwnedValue, ValueType};

const SIZE: u32 = 80;

fn attribute(name: &str, offset: u32, shape: Shape) -> Attribute {
    let field = Field {
        offset,
        shape,
        absent: None,
    };
    Attribute::new(name, field, None)
}

fn integer(size: IntegerSize, signed: bool, render: Render) -> Shape {
    Shape::Integer {
        size,
        signed,
        render,
    }
}

fn schema() -> Arc<EventSchema> {
    let flags = Arc::new(Names::new([
        (0, "O_RDONLY"),
        (1, "O_WRONLY"),
        (0x200, "O_TRUNC"),
    ]));
    let flags = Render::Flags {
        names: flags,
        mask: 3,
    };
    Arc::new(EventSchema {
        name: Key::new("test.open"),
        probe: "test".into(),
        size: SIZE,
        attributes: vec![
            attribute(
                "p.pid",
                0,
                integer(IntegerSize::Four, false, Render::Number),
            ),
            attribute(
                "p.code",
                4,
                integer(IntegerSize::Four, true, Render::Number),
            ),
            attribute("f.path", 8, Shape::Text(Part::Whole)),
            attribute("p.args", 16, Shape::TextList(Part::Whole)),
            attribute("f.flags", 24, integer(IntegerSize::Four, false, flags)),
            attribute("f.data", 28, Shape::Bytes { length: 2 }),
            attribute("f.ok", 30, Shape::Bool),
            attribute("n.peer", 32, Shape::Address),
            attribute(
                "f.load",
                56,
                Shape::Float {
                    size: IntegerSize::Eight,
                },
            ),
            attribute(
                "f.error",
                64,
                integer(IntegerSize::Four, false, Render::Errno),
            ),
            attribute("f.b64", 68, Shape::Text(Part::Whole)),
        ],
        header: None,
        lifecycle: None,
    })
}

fn tail(record: &mut Vec<u8>, at: u32, text: &[u8], flags: u16) {
    let reference = TailRef {
        offset: u32::try_from(record.len()).unwrap(),
        length: u16::try_from(text.len()).unwrap(),
        flags: TEXT_PRESENT | flags,
    };
    reference.write(record, at);
    record.extend_from_slice(text);
}

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    let mut attributes = Attributes::default();
    for (name, value) in pairs {
        attributes.push(&Key::new(name), OwnedValue::Str((*value).into()));
    }
    attributes
}

/// One row with a value of every type.
fn batch() -> Batch {
    let mut record = vec![0; SIZE as usize];
    record[0..4].copy_from_slice(&4242_u32.to_le_bytes());
    record[4..8].copy_from_slice(&(-7_i32).to_le_bytes());
    tail(&mut record, 8, b"/Etc/a\xffb/pass\nwd", TEXT_TRUNCATED);
    tail(&mut record, 16, b"sh\0-c\0curl x\0", 0);
    record[24..28].copy_from_slice(&0x201_u32.to_le_bytes());
    record[28..30].copy_from_slice(&[0xde, 0x01]);
    record[30] = 1;
    record[32] = 2;
    record[36..40].copy_from_slice(&[10, 1, 2, 3]);
    record[56..64].copy_from_slice(&2.5_f64.to_le_bytes());
    tail(&mut record, 68, b"aGk=", 0);
    let mut batch = Batch::with_capacity(1024);
    batch.clock = ClockOffset(1000);
    let process = attributes(&[("p.exe", "/usr/bin/sh"), ("p.name", "sh")]);
    let process = Process::new(ProcessId::default(), ExecId(1), None, process);
    let cgroup = Cgroup::new(
        CgroupKey::default(),
        b"/a".as_slice().into(),
        attributes(&[("p.cgroup", "/a")]),
    );
    let container = Container {
        id: "c".into(),
        attributes: attributes(&[("c.id", "4f5b")]),
    };
    let subject = Subject {
        process: Some(Arc::new(process)),
        cgroup: Some(Arc::new(cgroup)),
        container: Some(Arc::new(container)),
        shows_process: true,
        shows_cgroup: false,
    };
    batch.subjects.push(subject);
    batch.push(&schema(), &record, BootNanos(234), SubjectIndex(0));
    batch.lay_over(0, Target::Named(Key::new("extra")), Made::Uint(7));
    batch
}

#[track_caller]
fn holds(conditions: &[&str]) {
    let batch = batch();
    for text in conditions {
        let mut condition = Condition::new(text, Known::Anything).unwrap();
        assert!(condition.matches(&batch.row(0).unwrap()), "{text}");
    }
}

#[track_caller]
fn fails(conditions: &[&str]) {
    let batch = batch();
    for text in conditions {
        let mut condition = Condition::new(text, Known::Anything).unwrap();
        assert!(!condition.matches(&batch.row(0).unwrap()), "{text}");
    }
}

/// Numbers are compared as numbers, whatever their type and spelling.
#[test]
fn numbers_are_compared_as_numbers() {
    holds(&[
        "p.pid = 4242",
        "p.pid == 0x1092",
        "p.pid=4242.0",
        "p.pid != 1",
        "p.pid != pid",
        "p.pid<4243 and p.pid <= 4242 and p.pid>4241 and p.pid >= 4242",
        "p.code = -7",
        "p.code < 0 and p.code > -7.5",
        "f.load = 2.5 and f.load > 2",
        "p.pid in (1, 4242)",
        "f.load in (2.5)",
        "p.code in (0x5, -0x7)",
        "extra = 7",
        "time = 1234",
    ]);
    fails(&[
        "p.pid = pid",
        "p.pid < 4242",
        "p.pid > 4242",
        "p.pid in (1, 2)",
        "p.pid contains 42",
        "f.path > 0",
        "p.args < 5",
    ]);
}

/// Texts are compared byte for byte, also where they are not UTF-8.
#[test]
fn texts_are_compared_as_bytes() {
    holds(&[
        "event = test.open",
        "f.path startswith /Etc and f.path endswith \"ss\\nwd\"",
        "f.path contains /a and f.path icontains /ETC/A",
        "f.path bcontains 61ff62 and f.path bstartswith 2f45",
        "f.path glob /Etc/*wd and f.path iglob '/etc/a?b/*'",
        "f.path regex '/Etc/.*' and f.path regex '[^x]+'",
        "f.path pmatch (/usr, /Etc) and f.path pmatch ('/E*/')",
        "f.path_truncated = true",
        "f.path_raw bcontains ff",
        "f.error != ENOENT or p.pid exists",
        "f.path startswith anyof (/usr, /Etc)",
        "f.path startswith allof (/, /E, /Etc)",
        "f.path startswith oneof (/usr, /Etc)",
        "f.path != anyof (/usr)",
    ]);
    fails(&[
        "f.path startswith /etc",
        "f.path regex Etc",
        "f.path glob /Etc",
        "f.path pmatch (/Et)",
        "f.path pmatch ()",
        "f.path startswith anyof ()",
        "f.path startswith allof (/, /e)",
        "f.path startswith oneof (/E, /Etc)",
        "p.exe_truncated exists",
    ]);
}

/// Lists hold if an item does; `in` wants every item.
#[test]
fn lists_are_compared_by_item() {
    holds(&[
        "p.args = -c and p.args != x",
        "p.args contains curl",
        "p.args in (sh, -c, 'curl x', more)",
        "p.args intersects (zsh, sh)",
        "p.args[0] = sh and p.args['2'] startswith curl",
        "f.flags = O_WRONLY and f.flags contains TRUNC",
        "f.flags in (O_WRONLY, O_TRUNC)",
    ]);
    fails(&[
        "p.args in (sh, -c)",
        "p.args intersects (zsh)",
        "p.args != sh",
        "p.args[3] exists",
        "f.path[0] exists",
        "f.flags = O_RDONLY",
    ]);
}

/// Addresses equal addresses and networks; bytes equal their hex form.
#[test]
fn other_types_are_compared_by_what_they_mean() {
    holds(&[
        "n.peer = 10.1.2.3",
        "n.peer = 10.0.0.0/8",
        "n.peer in (192.168.0.0/16, 10.1.0.0/16)",
        "n.peer != ::/0 and n.peer != 11.0.0.0/8",
        "n.peer startswith 10.",
        "f.data = de01 and f.data in (DE01) and f.data bcontains 01",
        "f.ok = true and f.ok in (true)",
    ]);
    fails(&[
        "n.peer = 10.1.2.4",
        "n.peer = ::/0",
        "n.peer != 10.0.0.0/8",
        "f.data = de",
        "f.ok = 1",
    ]);
}

/// Any comparison with a value that does not exist is false, `!=` too.
#[test]
fn what_does_not_exist_equals_nothing_and_differs_from_nothing() {
    fails(&[
        "f.error exists",
        "f.error = ENOENT",
        "f.error != ENOENT",
        "f.error in (ENOENT)",
        "f.error intersects ()",
        "tolower(f.error) != x",
        "len(f.error) = 0",
        "concat(f.path, f.error) exists",
        "p.exe = val(f.error)",
        "f.error != val(p.exe)",
        "unheard.of != 1",
        "p.cgroup exists",
    ]);
    holds(&[
        "not f.error = ENOENT",
        "not f.error != ENOENT",
        "not f.error exists",
    ]);
}

/// What the process table and processors add is found too.
#[test]
fn values_beside_the_schema_are_found() {
    holds(&["p.exe = /usr/bin/sh", "c.id startswith 4f", "extra in (7)"]);
    let mut batch = batch();
    batch.subjects[0].shows_process = false;
    batch.subjects[0].shows_cgroup = true;
    batch.lay_over(0, Target::Named(Key::new("c.id")), Made::Removed);
    batch.lay_over(0, Target::Attribute(0), Made::Uint(5));
    let row = batch.row(0).unwrap();
    let mut condition = Condition::new(
        "not p.exe exists and p.cgroup = /a and not c.id exists and p.pid = 5",
        Known::Anything,
    )
    .unwrap();
    assert!(condition.matches(&row));
}

/// Transformers and `val` compute values on either side.
#[test]
fn values_are_computed() {
    holds(&[
        "basename(p.exe) = val(p.name)",
        "p.name = basename(p.exe)",
        "tolower(f.path) startswith /etc",
        "toupper(p.name) = SH",
        "b64(f.b64) = hi",
        "toupper(b64(f.b64)) = HI",
        "len(p.name) = 2 and len(p.args) = 3 and len(f.data) = 2",
        "concat(p.name, \":\", p.pid, toupper(p.name)) = 'sh:4242SH'",
        "join('+', p.args) = 'sh+-c+curl x'",
        "join(\",\", (p.name, concat(p.pid, p.name), \"x\")) = 'sh,4242sh,x'",
        "p.pid = val(p.pid) and p.pid >= val(p.pid)",
        "p.args intersects val(p.args) and p.args in val(p.args)",
        "p.exe endswith val(p.name) and p.exe icontains toupper(p.name)",
        "p.exe != val(p.name)",
    ]);
    fails(&[
        "b64(f.path) exists",
        "p.pid < val(p.pid)",
        "p.pid = val(p.exe)",
        "tolower(p.args) exists",
    ]);
}

/// `or` binds weaker than `and`, `and` weaker than `not`.
#[test]
fn operators_bind_as_everywhere() {
    const TRUE: &str = "p.pid exists";
    const FALSE: &str = "f.error exists";
    let fill = |text: &str| text.replace('T', TRUE).replace('F', FALSE);
    for text in [
        "T or F and F",
        "not F and T",
        "not (T and F)",
        "not not T",
        "T and(F or T)",
        "not(F)",
        "((T))",
    ] {
        holds(&[&fill(text)]);
    }
    for text in [
        "(T or F) and F",
        "not T or F",
        "not (T or F)",
        "not\tnot\nF",
        "F or F or F",
        "T and T and F",
    ] {
        fails(&[&fill(text)]);
    }
}

#[track_caller]
fn parses(text: &str, canonical: &str) {
    let parsed = parse(text).unwrap();
    assert_eq!(parsed.to_string(), canonical);
    assert_eq!(parse(canonical).unwrap().to_string(), canonical);
}

/// Quoting, escapes, bare values, arguments and macros are read as Falco does.
#[test]
fn conditions_are_read_as_written() {
    parses("a.b=c", r#"a.b = "c""#);
    parses("a.b= '\\n\\t\\\\\\'\\\"\\/' ", "a.b = \"\n\t\\\\'\\\"/\"");
    parses("a.b = 'x\\ y'", r#"a.b = "x\\y""#);
    parses("a.b glob /etc/*.[ch]", r#"a.b glob "/etc/*.[ch]""#);
    parses("a.b in(x,'y z' , -1.5)", r#"a.b in ("x", "y z", "-1.5")"#);
    parses("a.b[0] exists", r#"a.b["0"] exists"#);
    parses("a.b['k.v'] exists", r#"a.b["k.v"] exists"#);
    parses(
        "spawned and not in_container",
        "spawned and not in_container",
    );
    parses("a.b in shells", "a.b in shells");
    parses("a.b = anyof", r#"a.b = "anyof""#);
    parses("a.b = anyof(x)", r#"a.b = anyof ("x")"#);
    parses(
        "event = x or event=y and z",
        r#"event = "x" or event = "y" and z"#,
    );
    parses("android.x exists", "android.x exists");
    parses("a.b = \"\"", r#"a.b = """#);
    parses(
        "k.app.example.com/name-x exists",
        "k.app.example.com/name-x exists",
    );
}

/// Every error says where, what was expected and what is there.
#[test]
fn errors_say_where_and_what_was_expected() {
    let attributes = [
        ("process.pid", ValueType::Uint),
        ("process.executable.name", ValueType::Text),
        ("eunomia.flag", ValueType::Bool),
    ];
    let known = Vocabulary {
        kinds: ["process.exec", "file.open"].map(Into::into).into(),
        attributes: attributes
            .map(|(name, value_type)| (name.into(), Some(value_type)))
            .into(),
    };
    let cases = [
        "",
        "   ",
        "and x",
        "process.pid",
        "process.pid = ",
        "process.pid ~ 1",
        "process.pid contians 1",
        "process.pid = 1 process.pid = 2",
        "(process.pid = 1",
        "process.pid = 1)",
        "process.pid in 5",
        "process.pid in (1 2)",
        "process.pid in (1,)",
        "process.pid < x",
        "process.executable.name = 'x",
        "process.executable.name = '\\x'",
        "process.executable.name regex '('",
        "process.executable.name regex val(process.pid)",
        "process.executable.name glob val(process.pid)",
        "process.executable.name bcontains 0g",
        "process.executable.nam = x",
        "\u{e9}",
        "process.pid = \u{e9} and prozess = 1",
        "process.executable.name < 5",
        "process.pid startswith 5",
        "process.pid = five",
        "eunomia.flag = 1",
        "eunomia.flag contains t",
        "tolowr(process.executable.name) = x",
        "val(process.pid) = 1",
        "len() = 1",
        "join(process.pid) = x",
        "len((process.pid)) = 1",
        "process.pid[x] = 1",
        "process.pid[1 = 1",
        "shell and process.pid = 1",
        "process.pid in shells",
        "not",
        "process.pid = 1 or",
        "event = file.opn",
        "event in (process.exec, file.close)",
        "event startswith anyof (x) and event != anyof (process.exec, exec)",
    ];
    let mut told = String::new();
    for text in cases {
        let error = Condition::new(text, Known::Only(&known)).unwrap_err();
        told.push_str(&format!("{text}\n    {error}\n"));
    }
    assert_eq!(told.replace('\u{e9}', "<e9>"), include_str!("errors.txt"));
}

/// Names are checked only where they are known, kinds of events only where one is meant as a whole.
#[test]
fn event_and_time_are_always_known() {
    let known = Vocabulary::default();
    for text in [
        "event startswith x and time > 5",
        "event exists",
        "event regex 'x.*'",
        "event glob x*",
    ] {
        assert!(Condition::new(text, Known::Only(&known)).is_ok(), "{text}");
    }
    assert!(Condition::new("event = x", Known::Only(&known)).is_err());
    assert!(Condition::new("event = x", Known::Anything).is_ok());
    assert!(Condition::new("what.ever = x", Known::Only(&known)).is_err());
    assert!(Condition::new("what.ever = x", Known::Anything).is_ok());
}

/// Nesting and length are bounded; at the bound all is well.
#[test]
fn depth_and_length_are_bounded() {
    let check = "a.b exists";
    let nested = |depth: usize| format!("{}{check}{}", "(".repeat(depth), ")".repeat(depth));
    let negated = |depth: usize| format!("{}{check}", "not ".repeat(depth));
    let called = |depth: usize| {
        format!(
            "{}a.b{} exists",
            "tolower(".repeat(depth),
            ")".repeat(depth)
        )
    };
    for at in [nested(MAX_DEPTH), negated(MAX_DEPTH), called(MAX_DEPTH)] {
        assert!(Condition::new(&at, Known::Anything).is_ok());
    }
    for beyond in [
        nested(MAX_DEPTH + 1),
        negated(MAX_DEPTH + 1),
        called(MAX_DEPTH + 1),
    ] {
        let error = parse(&beyond).unwrap_err();
        assert_eq!(error.message, "nested deeper than 100 levels");
    }
    let long = |length: usize| format!("{check}{}", " ".repeat(length - check.len()));
    assert!(parse(&long(MAX_LENGTH)).is_ok());
    assert!(parse(&long(MAX_LENGTH + 1)).is_err());
    assert!(parse(&nested(100_000)).is_err());
}

fn operand() -> impl Strategy<Value = String> {
    let field = "[a-z]{1,5}(\\.[a-z_]{1,5}){1,3}";
    let leaf = prop_oneof![field.boxed(), "[a-z]{1,3}\\.[a-z]{1,3}\\[[0-9]\\]".boxed()];
    leaf.prop_recursive(3, 8, 2, |inner| {
        let function = prop_oneof![
            Just("tolower"),
            Just("basename"),
            Just("len"),
            Just("concat")
        ];
        (function, inner).prop_map(|(function, inner)| format!("{function}({inner})"))
    })
}

fn condition() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        "[a-z0-9/*.-]{1,8}",
        "'[a-z ,=()]{0,8}'",
        "\"[a-z '\n]{0,8}\""
    ];
    let text = prop_oneof![
        Just("="),
        Just("!="),
        Just("contains"),
        Just("iglob"),
        Just("endswith")
    ];
    let list = prop_oneof![
        Just("in"),
        Just("intersects"),
        Just("pmatch"),
        Just("= anyof")
    ];
    let values = prop::collection::vec(value.clone(), 0..4);
    let check = prop_oneof![
        operand().prop_map(|operand| format!("{operand} exists")),
        (operand(), text, value).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (operand(), list, values).prop_map(|(a, op, b)| format!("{a} {op} ({})", b.join(","))),
        (operand(), operand()).prop_map(|(a, b)| format!("{a} = val({b})")),
        "m[a-z_]{1,6}".boxed(),
    ];
    check.prop_recursive(5, 30, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} or {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} and {b}")),
            inner.clone().prop_map(|a| format!("not {a}")),
            inner.prop_map(|a| format!("({a})")),
        ]
    })
}

proptest! {
    /// What is written out parses to the same again, and is evaluated.
    #[test]
    fn conditions_are_written_as_they_are_read(text in condition()) {
        let parsed = parse(&text).unwrap();
        let canonical = parsed.to_string();
        prop_assert_eq!(parse(&canonical).unwrap().to_string(), canonical);
        // A macro that is not there, or text where a length is: not for evaluation.
        if let Ok(mut condition) = Condition::new(&text, Known::Anything) {
            let batch = batch();
            let row = batch.row(0).unwrap();
            prop_assert_eq!(condition.matches(&row), condition.matches(&row));
        }
    }

    /// No text breaks the parser.
    #[test]
    fn no_text_breaks_the_parser(text in "(and|or|not|in|exists|[a-z]\\.[a-z]|val|len|[()=<>!,'\"\\\\ \\[\\]]|\\PC){0,40}") {
        drop(Condition::new(&text, Known::Anything));
    }
}
