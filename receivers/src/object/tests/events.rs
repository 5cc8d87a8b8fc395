use eunomia_core::schema::Shape;
use eunomia_core::value::OwnedValue;

use super::{names, object, shown, text, value};
use crate::object::{Hook, Object, Syscall};

const HEADER: [&str; 7] = [
    "process.pid",
    "process.vpid",
    "eunomia.process.tid",
    "process.parent_pid",
    "process.group_leader.pid",
    "process.user.id",
    "eunomia.process.comm",
];

fn tagged() -> Object {
    object("tagged")
}

/// The header's fields come first, then the event's own in their order, with
/// what is derived from a field behind it.
#[test]
fn annotations_become_attributes_in_order() {
    let object = tagged();
    let event = &object.events[0];
    assert_eq!(event.schema.name.name(), "sample.done");
    assert_eq!(&*event.record, "sample_event");
    assert_eq!(event.kind_global.as_deref(), Some("kind_sample_event"));
    assert!(!event.is_state_only() && !event.is_lifecycle());
    assert_eq!(event.skipped, []);
    let names = names(event);
    let (header, own) = names.split_at(HEADER.len());
    assert_eq!(header, HEADER);
    assert_eq!(
        own,
        [
            "sample.duration_ns",
            "sample.path",
            "sample.name",
            "sample.words",
            "sample.first",
            "sample.line_of_words",
            "sample.blob",
            "sample.address",
            "sample.port",
            "sample.mode",
            "error.type",
            "sample.signal",
            "sample.flags",
            "sample.state",
            "sample.id",
            "sample.fd",
            "sample.line",
        ]
    );
    let unit = |name: &str| {
        let position = event.schema.position(name).unwrap();
        event.schema.attributes[position].unit.clone()
    };
    assert_eq!(unit("sample.duration_ns").as_deref(), Some("ns"));
    assert_eq!(unit("sample.path"), None);
}

/// The header's values are found by their roles.
#[test]
fn header_is_found_by_its_roles() {
    let object = tagged();
    let header = object.events[0].schema.header.as_ref().unwrap();
    assert_eq!((header.time.offset, header.start_time.offset), (8, 16));
    assert_eq!(header.size, 80);
    let event = &object.events[0].schema;
    let of_header = event.attributes.iter().filter(|a| event.is_of_header(a));
    assert_eq!(of_header.count(), HEADER.len());
}

/// A record that only feeds the process table has roles and no attributes.
#[test]
fn state_is_sent_in_roles() {
    let object = tagged();
    let event = &object.events[2];
    assert!(event.is_state_only() && event.is_lifecycle());
    let lifecycle = event.schema.lifecycle.as_ref().unwrap();
    assert_eq!(&*lifecycle.role, "fork");
    assert_eq!(lifecycle.field("child_pid").unwrap().offset, 80);
    assert_eq!(lifecycle.field("child_exec_count").unwrap().offset, 84);
    let path = lifecycle.field("executable").unwrap();
    assert!(matches!(path.shape, Shape::Text(_)));
    assert_eq!(names(event)[HEADER.len()..], ["sample.child_pid"]);
}

/// Programs know where they are attached, what they wait for, and their twin.
#[test]
fn programs_say_where_and_how_they_run() {
    let object = tagged();
    let program = |name: &str| {
        let found = object.programs.iter().find(|found| &*found.name == name);
        found.unwrap().clone()
    };
    let call = program("on_sample");
    assert_eq!(call.hook, Hook::TpBtf("sys_exit".into()));
    assert_eq!(&*call.section, "tp_btf/sys_exit");
    assert_eq!(call.slot_global.as_deref(), Some("slot_on_sample"));
    let calls = [(257, 295), (2, 5)].map(|(native, compat)| Syscall {
        native: Some(native),
        compat: Some(compat),
    });
    assert_eq!(call.syscalls, calls);
    let twins = ["on_birth", "on_birth_again"].map(program);
    for twin in twins {
        assert_eq!(twin.hook, Hook::TpBtf("sched_process_fork".into()));
        assert_eq!(twin.pair.as_deref(), Some("on_birth"));
        assert_eq!((twin.syscalls, twin.slot_global), (Vec::new(), None));
    }
    assert!(object.has_filter());
    assert_eq!(object.abi, Some(1));
    assert!(object.map("eun_events").unwrap().is_pinned);
    assert_eq!(object.own_rings().count(), 0);
}

/// A record of `tagged.bpf.c`, with what each field needs to be shown.
fn record() -> Vec<u8> {
    let mut record = vec![0; 176];
    let mut put = |at: usize, bytes: &[u8]| record[at..at + bytes.len()].copy_from_slice(bytes);
    put(40, &7u32.to_le_bytes());
    put(64, b"sh\0");
    put(80, &1500u64.to_le_bytes());
    let mut tail = |at: usize, offset: u32, length: u16| {
        put(at, &offset.to_le_bytes());
        put(at + 4, &length.to_le_bytes());
        put(at + 6, &1u16.to_le_bytes());
    };
    tail(88, 176, 4);
    tail(96, 180, 5);
    tail(104, 185, 2);
    put(112, &[2, 0, 0, 0, 127, 0, 0, 1]);
    put(132, &8080u16.to_be_bytes());
    put(134, &0o644u16.to_le_bytes());
    put(136, &2u32.to_le_bytes());
    put(140, &9u32.to_le_bytes());
    put(144, &0o101u32.to_le_bytes());
    put(148, &(-1i32).to_le_bytes());
    put(152, &0xabcu64.to_le_bytes());
    put(160, &(-1i32).to_le_bytes());
    put(164, &12u32.to_le_bytes());
    record.extend_from_slice(b"/a/ba\0b c\xff\x01");
    record
}

/// Literal bytes are shown as the annotations say.
#[test]
fn a_record_is_shown_as_annotated() {
    let object = tagged();
    let event = &object.events[0];
    assert_eq!(event.schema.size, 176);
    let shown = shown(event, &record());
    let own: Vec<_> = shown
        .iter()
        .filter(|(name, _)| !HEADER.contains(&name.as_str()))
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    let list =
        |items: &[&str]| OwnedValue::List(items.iter().map(|i| i.as_bytes().into()).collect());
    assert_eq!(
        own,
        [
            ("sample.duration_ns", OwnedValue::Uint(1500)),
            ("sample.path", text("/a/b")),
            ("sample.name", text("b")),
            ("sample.words", list(&["a", "b c"])),
            ("sample.first", text("a")),
            ("sample.blob", OwnedValue::Raw([0xff, 1].into())),
            ("sample.address", text("127.0.0.1")),
            ("sample.port", OwnedValue::Uint(8080)),
            ("sample.mode", text("0644")),
            ("error.type", text("ENOENT")),
            ("sample.signal", text("SIGKILL")),
            ("sample.flags", list(&["SAMPLE_WRITE", "SAMPLE_CREATE"])),
            ("sample.state", text("STATE_LOST")),
            ("sample.id", text("0000000000000abc")),
            ("sample.line", OwnedValue::Uint(12)),
        ]
    );
    assert_eq!(
        value(event, &record(), "process.pid"),
        Some(OwnedValue::Uint(7))
    );
    assert_eq!(
        value(event, &record(), "eunomia.process.comm"),
        Some(text("sh"))
    );
}

/// A record that was cut shows what is whole; one with bytes to spare shows the
/// same as without them.
#[test]
fn cut_and_long_records_are_read_within_their_bounds() {
    let object = tagged();
    let event = &object.events[0];
    let whole = record();
    for length in 0..whole.len() {
        let cut = shown(event, &whole[..length]);
        assert!(cut.len() <= shown(event, &whole).len());
        assert_eq!(
            value(event, &whole[..length], "sample.blob"),
            None,
            "{length}"
        );
    }
    let mut long = whole.clone();
    long.resize(4096, 0xff);
    assert_eq!(shown(event, &long), shown(event, &whole));
}

/// Annotations in the structs within say that the others are not exported.
#[test]
fn annotations_of_inner_structs_count() {
    let object = tagged();
    let event = &object.events[1];
    assert_eq!(event.schema.name.name(), "sample.nested");
    assert_eq!(names(event)[HEADER.len()..], ["sample.line"]);
}

/// With our header and no annotations the actor is known, and the other members
/// are called after the probe.
#[test]
fn members_without_annotations_are_called_after_the_probe() {
    let object = object("untagged");
    let event = &object.events[0];
    assert_eq!(event.schema.name.name(), "eunomia.untagged");
    assert_eq!(names(event)[..7], HEADER);
    assert_eq!(
        names(event)[7..],
        ["eunomia.untagged.number", "eunomia.untagged.name"]
    );
    assert!(event.schema.header.is_some() && object.has_filter());
    assert_eq!(event.kind_global.as_deref(), Some("kind_record"));
}
