//! What the C headers of the probes say and Rust says too, compared.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use eunomia_core::batch::{Batch, SubjectIndex};
use eunomia_core::config::Spanned;
use eunomia_core::key::Key;
use eunomia_core::schema::{Attribute, EventSchema, Field, Part, Shape};
use eunomia_core::time::BootNanos;
use eunomia_core::value::Value;

use crate::ebpf::drain::{LIFECYCLE_BYTES, RECORD_STATE_ONLY};
use crate::ebpf::load::COMPAT_CALLS;
use crate::ebpf::plan::{MAX_KINDS, MAX_SLOTS, RECEIVER_SET};
use crate::ebpf::settings::{COMM_BYTES, FilterSettings, MAX_VALUES};
use crate::ebpf::tally::{COUNTERS, KernelCounts, LOST_REASONS};
use crate::object::ABI;

/// A header without its comments.
fn header(name: &str) -> String {
    let headers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../probes/include/eunomia");
    let text = fs::read_to_string(headers.join(name)).unwrap();
    let mut parts = text.split("/*");
    let mut code = parts.next().unwrap().to_owned();
    code.extend(parts.map(|part| part.split_once("*/").unwrap().1));
    code
}

/// What a header defines.
fn definitions(name: &str) -> BTreeMap<String, String> {
    let definition = |line: &str| {
        let mut words = line.strip_prefix("#define ")?.split_whitespace();
        let name = words.next()?.to_owned();
        Some((name, words.collect::<Vec<_>>().join(" ")))
    };
    header(name).lines().filter_map(definition).collect()
}

/// The number that `abi.h` gives a name.
fn abi(name: &str) -> u16 {
    definitions("abi.h")[name].parse().unwrap()
}

/// The members of a struct in their order.
fn members(name: &str, of: &str) -> Vec<String> {
    let code = header(name);
    let (_, rest) = code.split_once(&format!("struct {of} {{")).unwrap();
    let (body, _) = rest.split_once('}').unwrap();
    let member = |line: &str| Some(line.split_whitespace().nth(1)?.replace(';', ""));
    body.lines().filter_map(member).collect()
}

/// A key of filters, as a filter that has it alone asks for it.
fn key(fill: impl FnOnce(&mut FilterSettings)) -> String {
    let mut filter = FilterSettings::default();
    fill(&mut filter);
    filter.keys().to_string()
}

/// Numbers that both sides know are the same.
#[test]
fn numbers_are_those_of_the_headers() {
    let headers = ["abi.h", "maps.h", "filter.h"].map(definitions);
    let defined: BTreeMap<_, _> = headers.into_iter().flatten().collect();
    let mib = |bytes: usize| format!("({} << 20)", bytes >> 20);
    let text = || Spanned::unwritten(String::from("a"));
    for (name, value) in [
        ("EUNOMIA_ABI", ABI.to_string()),
        ("EUN_KINDS", (MAX_KINDS + 1).to_string()),
        ("EUN_VALUES", MAX_VALUES.to_string()),
        ("EUN_CALLS", COMPAT_CALLS.to_string()),
        ("EUN_SLOTS", MAX_SLOTS.to_string()),
        ("EUN_LIFE_BYTES", mib(LIFECYCLE_BYTES)),
        ("EUN_KEY_PID", key(|filter| filter.pid = vec![1])),
        ("EUN_KEY_PID_TREE", key(|filter| filter.pid_tree = vec![1])),
        ("EUN_KEY_CGROUP", key(|filter| filter.cgroup = vec![text()])),
        (
            "EUN_KEY_CGROUP",
            key(|filter| filter.container = vec![text()]),
        ),
        (
            "EUN_KEY_CGROUP",
            key(|filter| filter.containers_only = true),
        ),
        ("EUN_KEY_UID", key(|filter| filter.uid = vec![1])),
        ("EUN_KEY_COMM", key(|filter| filter.comm = vec![text()])),
        (
            "EUN_KEY_PID_NAMESPACE",
            key(|filter| filter.pid_namespace = vec![1]),
        ),
        ("EUN_RECEIVER_SET", RECEIVER_SET.to_string()),
        ("RECORD_STATE_ONLY", RECORD_STATE_ONLY.to_string()),
        ("TASK_COMM_BYTES", (COMM_BYTES + 1).to_string()),
    ] {
        assert_eq!(defined.get(name), Some(&value), "{name}");
    }
}

/// Counters are read as an array: each is the member of its name.
#[test]
fn counters_are_read_in_their_order() {
    let members = members("abi.h", "counters");
    assert_eq!(members.len(), COUNTERS);
    for (index, member) in members.iter().enumerate() {
        let mut counters = [0; COUNTERS];
        counters[index] = 1;
        let counts = KernelCounts::from(counters);
        let lost = LOST_REASONS.into_iter().zip(counts.lost);
        let mut named = BTreeMap::from([
            ("seen", counts.seen),
            ("filtered", counts.filtered),
            ("submitted", counts.submitted),
            ("state_lost", counts.state_lost),
        ]);
        named.extend(lost);
        named.retain(|_, count| *count == 1);
        assert!(named.keys().eq([member]), "{member}: {named:?}");
    }
}

/// What maps hold is written as arrays of integers: the members stand in this order.
#[test]
fn values_of_maps_have_the_members_that_are_written() {
    for (name, written) in [
        ("eun_member", ["tag", "sets"].as_slice()),
        ("eun_cgroup", &["id", "hierarchy", "pad"]),
        ("eun_verdict", &["known", "yes"]),
    ] {
        assert_eq!(members("maps.h", name), written, "{name}");
    }
}

/// What a row says of one attribute of this shape: its value, and what tells of it.
fn shown(shape: Shape, record: &[u8]) -> Vec<(String, String)> {
    let field = Field {
        offset: 0,
        shape,
        absent: None,
    };
    let schema = EventSchema {
        name: Key::new("test.event"),
        probe: "test".into(),
        size: u32::try_from(record.len()).unwrap(),
        attributes: vec![Attribute::new("a", field, None)],
        header: None,
        lifecycle: None,
    };
    let mut batch = Batch::default();
    batch.push(&Arc::new(schema), record, BootNanos(1), SubjectIndex::NONE);
    let mut shown = Vec::new();
    batch
        .iter()
        .next()
        .unwrap()
        .visit(&mut |key, value: Value<'_>| {
            shown.push((key.name().to_owned(), format!("{value:?}")));
        });
    shown
}

/// The flags of a text say what they say in C.
#[test]
fn flags_of_texts_are_those_of_the_headers() {
    let show = |flags: u16| {
        let path = b"sh/bin/";
        let mut record = vec![8, 0, 0, 0, 7, 0];
        record.extend_from_slice(&flags.to_le_bytes());
        record.extend_from_slice(path);
        shown(Shape::Text(Part::Whole), &record)
    };
    let [present, cut, leaf_first] = ["TEXT_PRESENT", "TEXT_TRUNCATED", "TEXT_LEAF_FIRST"].map(abi);
    let value = |text: &str| ("a".to_owned(), format!("{:?}", Value::Str(text)));
    let is_cut = ("a_truncated".to_owned(), format!("{:?}", Value::Bool(true)));
    assert_eq!(show(0), []);
    assert_eq!(show(present), [value("sh/bin/")]);
    assert_eq!(show(present | cut), [value("sh/bin/"), is_cut]);
    assert_eq!(show(present | leaf_first), [value("/bin/sh")]);
}

/// The families of addresses are those of C.
#[test]
fn families_of_addresses_are_those_of_the_headers() {
    for (family, expected) in [("ADDRESS_IPV4", "1.2.3.4"), ("ADDRESS_IPV6", "102:304::")] {
        let [family, _] = abi(family).to_le_bytes();
        let mut record = [0; 20];
        record[..8].copy_from_slice(&[family, 0, 0, 0, 1, 2, 3, 4]);
        let shown = shown(Shape::Address, &record);
        assert_eq!(shown.len(), 1);
        assert!(shown[0].1.contains(expected), "{shown:?}");
    }
}
