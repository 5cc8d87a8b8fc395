use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::{EXEC_ID, EXECUTABLE_NAME, EXECUTABLE_PATH, ExecId, PARENT_EXEC_ID};
use super::{KEPT_ANCESTORS, Limits, MAX_ANCESTORS, ProcessTable};
use crate::key::Key;
use crate::schema::{EventSchema, Field, HeaderFields, IntegerSize, Lifecycle, Part};
use crate::schema::{Render, Shape, TEXT_LEAF_FIRST, TEXT_PRESENT, TEXT_TRUNCATED, TailRef};
use crate::subject::{Pid, Process, ProcessId};
use crate::time::BootNanos;
use crate::value::Value;

const BOOT: &str = "b4c3c5e0-0000-4000-8000-000000000001";
const SIZE: u32 = 64;
const SECOND: u64 = 1_000_000_000;

fn integer(offset: u32, size: IntegerSize) -> Field {
    let shape = Shape::Integer {
        size,
        signed: false,
        render: Render::Number,
    };
    Field {
        offset,
        shape,
        absent: None,
    }
}

fn schema(role: &str) -> EventSchema {
    let path = Field {
        offset: 56,
        shape: Shape::Text(Part::Whole),
        absent: None,
    };
    let fields = vec![
        ("child_pid".into(), integer(40, IntegerSize::Four)),
        ("child_exec_count".into(), integer(44, IntegerSize::Four)),
        ("child_start_time".into(), integer(48, IntegerSize::Eight)),
        ("executable".into(), path),
    ];
    EventSchema {
        name: Key::new("test"),
        probe: "test".into(),
        size: SIZE,
        attributes: Vec::new(),
        header: Some(HeaderFields {
            time: integer(0, IntegerSize::Eight),
            start_time: integer(8, IntegerSize::Eight),
            exec_count: integer(16, IntegerSize::Four),
            pid: integer(20, IntegerSize::Four),
            parent_pid: integer(24, IntegerSize::Four),
            cgroup_id: integer(32, IntegerSize::Eight),
            cgroup_hierarchy: integer(28, IntegerSize::Four),
            size: 40,
        }),
        lifecycle: Some(Arc::new(Lifecycle {
            role: role.into(),
            fields,
        })),
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Task(ProcessId, u32, &'static str),
    Exec(ProcessId, u32, &'static str),
    Fork(ProcessId, ProcessId),
    Exit(ProcessId),
}

fn id(pid: u32, start: u64, exec_count: u32) -> ProcessId {
    ProcessId {
        pid: Pid(pid),
        start_time: BootNanos(start),
        exec_count,
    }
}

fn record(actor: ProcessId, parent: u32, child: ProcessId, path: (&[u8], u16)) -> Vec<u8> {
    let mut record = vec![0; SIZE as usize];
    record[8..16].copy_from_slice(&actor.start_time.0.to_le_bytes());
    record[16..20].copy_from_slice(&actor.exec_count.to_le_bytes());
    record[20..24].copy_from_slice(&actor.pid.0.to_le_bytes());
    record[24..28].copy_from_slice(&parent.to_le_bytes());
    record[40..44].copy_from_slice(&child.pid.0.to_le_bytes());
    record[44..48].copy_from_slice(&child.exec_count.to_le_bytes());
    record[48..56].copy_from_slice(&child.start_time.0.to_le_bytes());
    let tail = TailRef {
        offset: SIZE,
        length: u16::try_from(path.0.len()).unwrap(),
        flags: path.1,
    };
    tail.write(&mut record, 56);
    record.extend_from_slice(path.0);
    record
}

struct Fixture {
    table: ProcessTable,
    schemas: [EventSchema; 4],
}

fn fixture(max_bytes: usize) -> Fixture {
    let limits = Limits {
        max_bytes,
        keep_dead_for: Duration::from_secs(5),
    };
    Fixture {
        table: ProcessTable::new(BOOT, limits),
        schemas: ["task", "exec", "fork", "exit"].map(schema),
    }
}

impl Fixture {
    /// Applies a step whose time everything before it has left behind.
    fn apply(&mut self, time: u64, step: Step) {
        self.learn(time, step);
        self.table.forget_dead(BootNanos(time));
    }

    fn learn(&mut self, time: u64, step: Step) {
        let none = id(0, 0, 0);
        let (schema, record) = match step {
            Step::Task(actor, parent, path) => (
                0,
                record(actor, parent, none, (path.as_bytes(), TEXT_PRESENT)),
            ),
            Step::Exec(actor, parent, path) => (
                1,
                record(actor, parent, none, (path.as_bytes(), TEXT_PRESENT)),
            ),
            Step::Fork(actor, child) => (2, record(actor, 0, child, (b"", 0))),
            Step::Exit(actor) => (3, record(actor, 0, none, (b"", 0))),
        };
        self.table
            .apply(&self.schemas[schema], &record, BootNanos(time));
    }

    fn image(&mut self, id: ProcessId) -> Arc<Process> {
        self.table.lookup(id).unwrap()
    }
}

fn text(process: &Process, name: &str) -> Option<String> {
    let value = process.attributes.get(name)?;
    let Value::Str(text) = value else {
        panic!("{value:?}");
    };
    Some(text.to_owned())
}

/// Each step, told once: what is known of an image, as (path, ancestors' pids).
fn knows(fixture: &mut Fixture, id: ProcessId) -> Option<(Option<String>, Vec<u32>)> {
    let image = fixture.table.lookup(id)?;
    let ancestors = image
        .ancestors()
        .map(|ancestor| ancestor.id.pid.0)
        .collect();
    assert_eq!(
        text(&image, EXEC_ID),
        Some(ExecId::new(BOOT, id).to_string())
    );
    let parent = image
        .parent
        .as_ref()
        .map(|parent| parent.exec_id.to_string());
    assert_eq!(text(&image, PARENT_EXEC_ID), parent);
    Some((text(&image, EXECUTABLE_PATH), ancestors))
}

#[track_caller]
fn tells(steps: &[Step], asked: ProcessId, path: &str, ancestors: &[u32]) {
    for twice in [false, true] {
        let mut fixture = fixture(1 << 20);
        for (time, step) in (1000..).zip(steps) {
            fixture.apply(time, *step);
            if twice {
                fixture.apply(time, *step);
            }
        }
        let path = (!path.is_empty()).then(|| path.to_owned());
        assert_eq!(
            knows(&mut fixture, asked),
            Some((path, ancestors.to_vec())),
            "twice: {twice}"
        );
    }
}

const INIT: ProcessId = ProcessId {
    pid: Pid(1),
    start_time: BootNanos(1),
    exec_count: 2,
};

/// The table knows program and ancestors, in whatever order, once or twice, the
/// records come.
#[test]
fn images_are_known_in_whatever_order_records_come() {
    use Step::{Exec, Exit, Fork, Task};
    let init = Task(INIT, 0, "/sbin/init");
    let (forked, execed) = (id(7, 50, 2), id(7, 50, 3));
    let (child, grandchild) = (id(8, 60, 3), id(9, 70, 3));
    tells(&[init], INIT, "/sbin/init", &[]);
    tells(&[init, Fork(INIT, forked)], forked, "/sbin/init", &[1]);
    let exec = Exec(execed, 1, "/bin/sh");
    tells(&[init, Fork(INIT, forked), exec], execed, "/bin/sh", &[1]);
    tells(
        &[init, Fork(INIT, forked), exec],
        forked,
        "/sbin/init",
        &[1],
    );
    tells(&[init, exec, Fork(INIT, forked)], execed, "/bin/sh", &[1]);
    tells(
        &[init, exec, Fork(INIT, forked)],
        forked,
        "/sbin/init",
        &[1],
    );
    tells(&[exec, Fork(INIT, forked)], execed, "/bin/sh", &[1]);
    tells(&[exec, Fork(INIT, forked), init], execed, "/bin/sh", &[1]);
    tells(&[Fork(INIT, forked), init], forked, "/sbin/init", &[1]);
    tells(
        &[exec, init, Fork(execed, child)],
        child,
        "/bin/sh",
        &[7, 1],
    );
    tells(
        &[
            Task(child, 7, "/bin/a"),
            Task(grandchild, 8, "/bin/b"),
            exec,
            init,
        ],
        grandchild,
        "/bin/b",
        &[8, 7, 1],
    );
    tells(
        &[init, exec, Exit(execed), Fork(execed, child)],
        child,
        "/bin/sh",
        &[7, 1],
    );
    tells(
        &[init, Exit(forked), Fork(INIT, forked)],
        forked,
        "/sbin/init",
        &[1],
    );
    // The exec of the third program is lost.
    tells(
        &[init, Fork(INIT, forked), exec, Exit(id(7, 50, 4))],
        id(7, 50, 4),
        "",
        &[1],
    );
    // A later process of the same pid is no parent, an earlier one no child.
    tells(
        &[Task(id(8, 90, 1), 1, "/x"), Task(child, 8, "/y")],
        child,
        "/y",
        &[],
    );
}

/// A program that is learned last is what everybody below runs who ran no other, however many they
/// are: the table is searched once for all of them.
#[test]
fn a_program_learned_late_is_that_of_all_below() {
    const FAMILIES: u32 = 10_000;
    let mut fixture = fixture(64 << 20);
    let child = |family| id(10 + 2 * family, 2, 1);
    let grandchild = |family| id(11 + 2 * family, 3, 1);
    for family in 0..FAMILIES {
        fixture.apply(1, Step::Fork(INIT, child(family)));
        fixture.apply(1, Step::Fork(child(family), grandchild(family)));
    }
    fixture.apply(1, Step::Task(INIT, 0, "/sbin/init"));
    let init = fixture.image(INIT);
    for family in 0..FAMILIES {
        let image = fixture.image(grandchild(family));
        assert_eq!(text(&image, EXECUTABLE_PATH).as_deref(), Some("/sbin/init"));
        let parent = image.parent.as_ref().unwrap();
        assert!(Arc::ptr_eq(parent, &fixture.image(child(family))));
        assert!(Arc::ptr_eq(parent.parent.as_ref().unwrap(), &init));
    }
}

/// A parent that is heard of last is that of all who waited for it, and of what they had forked.
#[test]
fn orphans_find_their_parent_with_all_below_them() {
    const FAMILIES: u32 = 4000;
    let mut fixture = fixture(64 << 20);
    let parent = id(5, 1, 1);
    let child = |family| id(10 + 2 * family, 2, 1);
    let grandchild = |family| id(11 + 2 * family, 3, 1);
    for family in 0..FAMILIES {
        fixture.apply(1, Step::Exec(child(family), 5, "/bin/child"));
        fixture.apply(1, Step::Fork(child(family), grandchild(family)));
    }
    fixture.apply(1, Step::Task(parent, 0, "/bin/parent"));
    let parent = fixture.image(parent);
    for family in 0..FAMILIES {
        let image = fixture.image(grandchild(family));
        let above = image.parent.as_ref().unwrap();
        assert!(Arc::ptr_eq(above, &fixture.image(child(family))));
        assert!(Arc::ptr_eq(above.parent.as_ref().unwrap(), &parent));
    }
}

/// One that was forgotten while it waited for its parent, and came back, is still one.
#[test]
fn an_orphan_that_comes_back_waits_once() {
    let mut fixture = fixture(1 << 20);
    let (parent, orphan, child) = (id(5, 1, 1), id(7, 2, 1), id(9, 3, 1));
    fixture.apply(10, Step::Task(orphan, 5, ""));
    fixture.apply(20, Step::Exit(orphan));
    fixture.table.forget_dead(BootNanos(10 * SECOND));
    fixture.apply(30, Step::Task(orphan, 5, ""));
    fixture.apply(40, Step::Fork(orphan, child));
    fixture.apply(50, Step::Task(parent, 0, "/bin/parent"));
    let image = fixture.image(child);
    let above = image.parent.as_ref().unwrap();
    assert!(Arc::ptr_eq(above, &fixture.image(orphan)));
    let parent = fixture.image(parent);
    assert!(Arc::ptr_eq(above.parent.as_ref().unwrap(), &parent));
}

/// A reused pid is another process; both are known as long as the first is kept.
#[test]
fn a_reused_pid_is_told_apart() {
    let mut fixture = fixture(1 << 20);
    let (first, second) = (id(7, 10, 1), id(7, 20, 1));
    fixture.apply(10, Step::Exec(first, 0, "/bin/first"));
    fixture.apply(11, Step::Exit(first));
    fixture.apply(20, Step::Exec(second, 0, "/bin/second"));
    assert_eq!(
        text(&fixture.image(first), EXECUTABLE_NAME).unwrap(),
        "first"
    );
    assert_eq!(
        text(&fixture.image(second), EXECUTABLE_NAME).unwrap(),
        "second"
    );
    assert_eq!(
        fixture.table.lookup(id(7, 10, 2)).map(|image| image.id),
        None
    );
}

/// The dead are known for the time that was asked for and not longer; their
/// descendants keep them as ancestors.
#[test]
fn dead_images_stay_for_a_while_and_as_ancestors() {
    let mut fixture = fixture(1 << 20);
    let (parent, child, other) = (id(7, 10, 1), id(8, 20, 1), id(9, 30, 1));
    fixture.apply(10, Step::Exec(parent, 0, "/bin/parent"));
    fixture.apply(20, Step::Fork(parent, child));
    fixture.apply(SECOND, Step::Exit(parent));
    fixture.apply(6 * SECOND, Step::Exec(other, 0, "/bin/other"));
    assert_eq!(fixture.image(parent).id, parent);
    fixture.apply(6 * SECOND + 1, Step::Exec(other, 0, "/bin/other"));
    assert!(fixture.table.lookup(parent).is_none());
    let child = fixture.image(child);
    assert_eq!(
        text(child.parent.as_ref().unwrap(), EXECUTABLE_PATH).unwrap(),
        "/bin/parent"
    );
    assert_eq!(fixture.table.size().evicted, 0);
}

/// Records run ahead of the events that are still to be asked for: they alone let
/// nobody be forgotten.
#[test]
fn the_dead_are_kept_until_their_time_is_over() {
    let mut fixture = fixture(1 << 20);
    let (dead, other) = (id(7, 10, 1), id(9, 30, 1));
    fixture.learn(10, Step::Exec(dead, 0, "/bin/dead"));
    fixture.learn(20, Step::Exit(dead));
    fixture.learn(60 * SECOND, Step::Exec(other, 0, "/bin/other"));
    fixture.table.forget_dead(BootNanos(5 * SECOND + 20));
    assert_eq!(fixture.image(dead).id, dead);
    fixture.table.forget_dead(BootNanos(5 * SECOND + 21));
    assert!(fixture.table.lookup(dead).is_none());
}

/// A program that was replaced goes the way of the dead; the running one stays.
#[test]
fn a_replaced_program_is_forgotten_and_the_running_one_is_not() {
    let mut fixture = fixture(1 << 20);
    fixture.apply(10, Step::Exec(id(7, 10, 1), 0, "/bin/a"));
    fixture.apply(20, Step::Exec(id(7, 10, 2), 0, "/bin/b"));
    fixture.apply(20 * SECOND, Step::Exec(INIT, 0, "/sbin/init"));
    assert!(fixture.table.lookup(id(7, 10, 1)).is_none());
    assert_eq!(
        text(&fixture.image(id(7, 10, 2)), EXECUTABLE_PATH).unwrap(),
        "/bin/b"
    );
}

/// An endless chain of forks, each parent exiting, takes bounded memory.
#[test]
fn an_endless_chain_of_forks_is_cut() {
    let mut fixture = fixture(64 << 20);
    let mut most_bytes = 0;
    for generation in 1..20_000_u32 {
        let (parent, child) = (
            id(generation, u64::from(generation), 1),
            id(generation + 1, u64::from(generation) + 1, 1),
        );
        let time = u64::from(generation) * SECOND;
        fixture.apply(time, Step::Fork(parent, child));
        fixture.apply(time, Step::Exit(parent));
        let image = fixture.image(child);
        let count = image.ancestors().count();
        assert_eq!(count, usize::from(image.depth()));
        assert!(count <= usize::from(MAX_ANCESTORS) + 1);
        assert!(count >= usize::from(KEPT_ANCESTORS).min(generation as usize));
        most_bytes = most_bytes.max(fixture.table.size().bytes);
    }
    assert!(most_bytes < 1 << 20, "{most_bytes}");
}

/// Memory stays below its limit: the oldest dead go first, then what was not
/// asked for; what goes is counted.
#[test]
fn memory_is_bounded_and_the_dead_go_first() {
    let limit = 256 << 10;
    let mut fixture = fixture(limit);
    let asked = id(5, 5, 1);
    fixture.apply(1, Step::Exec(asked, 0, "/bin/asked"));
    let dead = id(6, 6, 1);
    fixture.apply(2, Step::Exec(dead, 0, "/bin/dead"));
    fixture.apply(3, Step::Exit(dead));
    let count = 5000;
    for pid in 100..100 + count {
        let time = 10 + u64::from(pid);
        fixture.apply(
            time,
            Step::Exec(id(pid, time, 1), 1, "/usr/bin/some/program"),
        );
        assert!(fixture.table.size().bytes <= limit);
        assert!(fixture.table.lookup(asked).is_some());
    }
    assert!(fixture.table.lookup(dead).is_none());
    assert!(fixture.table.lookup(id(100, 110, 1)).is_none());
    let size = fixture.table.size();
    assert_eq!(size.entries as u64 + size.evicted, u64::from(count) + 2);
    drop(fixture.table.lookup(asked));
}

/// Images that batches hold count until they are let go.
#[test]
fn memory_counts_what_others_hold() {
    let mut fixture = fixture(1 << 20);
    fixture.apply(1, Step::Exec(INIT, 0, "/sbin/init"));
    let held = fixture.image(INIT);
    fixture.apply(2, Step::Exit(INIT));
    fixture.apply(60 * SECOND, Step::Exit(id(9, 9, 1)));
    let both = fixture.table.size();
    drop(held);
    assert_eq!(both.entries, 1);
    assert!(fixture.table.size().bytes < both.bytes);
}

/// Paths come leaf first; a cut one says so and is not absolute.
#[test]
fn executable_path_is_turned_round() {
    let mut fixture = fixture(1 << 20);
    let mut shows = |path: &[u8], flags, expected: &[(&str, Value<'_>)]| {
        let actor = id(7, 10, 1);
        fixture.table = ProcessTable::new(BOOT, fixture.table.limits);
        let record = record(actor, 0, id(0, 0, 0), (path, TEXT_PRESENT | flags));
        fixture
            .table
            .apply(&fixture.schemas[1], &record, BootNanos(1));
        let image = fixture.image(actor);
        let shown: Vec<_> = image
            .attributes
            .iter()
            .map(|(key, value)| (key.name(), value))
            .collect();
        assert_eq!(shown[..shown.len() - 1], *expected);
    };
    let (path, name) = (EXECUTABLE_PATH, EXECUTABLE_NAME);
    let leaf = TEXT_LEAF_FIRST;
    shows(b"", 0, &[]);
    shows(b"/", leaf, &[]);
    shows(
        b"sh/bin/usr/",
        leaf,
        &[(path, Value::Str("/usr/bin/sh")), (name, Value::Str("sh"))],
    );
    let cut = "process.executable.path_truncated";
    let expected = [
        (path, Value::Str("bin/sh")),
        (cut, Value::Bool(true)),
        (name, Value::Str("sh")),
    ];
    shows(b"sh/bin/", leaf | TEXT_TRUNCATED, &expected);
    let expected = [
        (path, Value::Text(b"/a\xff/b")),
        ("process.executable.path_raw", Value::Raw(b"/a\xff/b")),
        (name, Value::Str("b")),
    ];
    shows(b"/a\xff/b", 0, &expected);
}

/// The id is what its documentation says: it must not change between releases.
#[test]
fn exec_id_is_stable() {
    assert_eq!(ExecId::new("", id(0, 0, 0)).to_string(), "88201fb960ff6465");
    assert_eq!(ExecId(10).to_string(), "000000000000000a");
    let ids = [id(1, 2, 3), id(1, 3, 2), id(2, 1, 3), id(1, 2, 4)];
    let mut seen: Vec<_> = ids.map(|id| ExecId::new(BOOT, id)).into();
    seen.push(ExecId::new("another", ids[0]));
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);
}

fn step() -> impl Strategy<Value = Step> {
    let image =
        (1..12_u32, 1..6_u64, 0..4_u32).prop_map(|(pid, start, count)| id(pid, start, count));
    let path = prop_oneof![Just("/bin/a"), Just("/bin/b"), Just("")];
    prop_oneof![
        (image.clone(), 0..12_u32, path.clone()).prop_map(|(id, p, path)| Step::Task(id, p, path)),
        (image.clone(), 0..12_u32, path).prop_map(|(id, p, path)| Step::Exec(id, p, path)),
        (image.clone(), image.clone()).prop_map(|(a, b)| Step::Fork(a, b)),
        image.prop_map(Step::Exit),
    ]
}

proptest! {
    /// Whatever comes: no ring of ancestors, and no image is left behind when
    /// the table is gone or everybody is dead for long.
    #[test]
    fn no_order_of_records_breaks_the_table(steps in prop::collection::vec((step(), 0..SECOND), 0..200), limit in 0..40_000_usize) {
        let mut fixture = fixture(limit);
        let mut time = 0;
        for (step, pause) in &steps {
            time += pause;
            fixture.apply(time, *step);
            prop_assert!(fixture.table.size().bytes <= limit.max(1));
            for entry in fixture.table.images.values() {
                prop_assert_eq!(entry.image.ancestors().count(), usize::from(entry.image.depth()));
            }
            for newest in fixture.table.newest.values() {
                prop_assert!(fixture.table.images.contains_key(newest));
            }
        }
        let live: Vec<_> = fixture.table.images.keys().copied().collect();
        for id in live {
            fixture.apply(time, Step::Exit(id));
        }
        fixture.apply(time + 6 * SECOND, Step::Exit(id(99, 1, 1)));
        prop_assert!(fixture.table.size().entries <= 1);
        prop_assert!(fixture.table.size().bytes < 1000);
    }
}
