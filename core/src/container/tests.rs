use std::sync::Arc;

use proptest::prelude::*;

use super::{CGROUP_PATH, CgroupFilter, CgroupTable, ContainerPattern, ContainerRef};
use super::{PatternError, Runtime};
use crate::key::Key;
use crate::schema::{EventSchema, Field, HeaderFields, IntegerSize, Lifecycle, Part};
use crate::schema::{Render, Shape, TEXT_LEAF_FIRST, TEXT_PRESENT, TailRef};
use crate::subject::{Attributes, Cgroup, CgroupKey};
use crate::time::WallNanos;
use crate::value::Value;

const NOW: WallNanos = WallNanos(1_795_334_400_000_000_000);

const ID: &str = "4f5b3cc8b3f0d2a1b0e9c8d7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7";
const OUTER: &str = "00001111222233334444555566667777888899990000aaaabbbbccccddddeeee";

/// The first twelve digits of `ID`, and one less.
const TWELVE: &str = "4f5b3cc8b3f0";
const ELEVEN: &str = "4f5b3cc8b3f";

/// `ID` and `OUTER` in a path stand for ids.
fn fill(path: &str) -> String {
    path.replace("ID", ID).replace("OUTER", OUTER)
}

#[track_caller]
fn names(path: &str, expected: Option<(&str, Option<Runtime>)>) {
    let found = ContainerRef::from_path(fill(path).as_bytes());
    let expected = expected.map(|(id, runtime)| ContainerRef {
        id: fill(id).into(),
        runtime,
    });
    assert_eq!(found, expected, "{path}");
}

/// Every runtime's paths, by either cgroup driver, are known.
#[test]
fn containers_are_named_by_their_cgroups_path() {
    use Runtime::{Containerd, CriO, Docker, Lxc, Podman, SystemdNspawn};
    for (path, runtime) in [
        ("/docker/ID", Docker),
        ("/docker/ID/init.scope", Docker),
        ("/docker/ID/system.slice/ssh.service", Docker),
        ("/some/where/docker/ID", Docker),
        ("/moby/ID", Docker),
        ("/system.slice/docker-ID.scope", Docker),
        ("/system.slice/docker\\x2dID.scope", Docker),
        (
            "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-ID.scope",
            Docker,
        ),
        ("/system.slice:docker:ID", Docker),
        ("/docker/ID (deleted)", Docker),
        (
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a_1.slice/docker-ID.scope",
            Docker,
        ),
        ("/k8s.io/ID", Containerd),
        ("/default/ID", Containerd),
        ("/system.slice/nerdctl-ID.scope", Containerd),
        (
            "/kubepods.slice/kubepods-pod0a_1.slice/cri-containerd-ID.scope",
            Containerd,
        ),
        (
            "/system.slice/containerd.service/kubepods-besteffort-pod0.slice:cri-containerd:ID",
            Containerd,
        ),
        (
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod0.slice/crio-ID.scope",
            CriO,
        ),
        (
            "/kubepods.slice/kubepods-pod0.slice/crio-ID.scope/container",
            CriO,
        ),
        ("/kubepods/burstable/pod0-1/crio-ID", CriO),
        ("/machine.slice/libpod-ID.scope", Podman),
        ("/machine.slice/libpod-ID.scope/container", Podman),
        ("/libpod_parent/libpod-ID", Podman),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice/my.service/libpod-payload-ID",
            Podman,
        ),
        (
            "/machine.slice/machine-libpod_pod_OUTER.slice/libpod-ID.scope",
            Podman,
        ),
    ] {
        names(path, Some(("ID", Some(runtime))));
    }
    for (path, id, runtime) in [
        ("/k8s.io/probe-1", "probe-1", Containerd),
        ("/lxc/web", "web", Lxc),
        ("/lxc/101/ns/system.slice/cron.service", "101", Lxc),
        ("/lxc.payload.web", "web", Lxc),
        ("/lxc.payload.web/init.scope", "web", Lxc),
        ("/lxc.payload/web-1.example", "web-1.example", Lxc),
        (
            "/machine.slice/machine-my\\x2dbox.scope/payload",
            "my-box",
            SystemdNspawn,
        ),
        (
            "/machine.slice/systemd-nspawn@box.service/payload/init.scope",
            "box",
            SystemdNspawn,
        ),
    ] {
        names(path, Some((id, Some(runtime))));
    }
}

/// Where only the id is told, the runtime is not guessed.
#[test]
fn a_bare_id_tells_no_runtime() {
    for path in [
        "/kubepods/burstable/pod0-1/ID",
        "/kubepods/pod0-1/ID",
        "/my-parent/ID",
        "/ID",
        "/system.slice/runc-ID.scope",
        "/a.slice:unknown:ID",
    ] {
        names(path, Some(("ID", None)));
    }
}

/// Of a container in a container, the inner one is meant.
#[test]
fn the_innermost_container_counts() {
    use Runtime::{Containerd, Docker};
    names("/docker/OUTER/docker/ID", Some(("ID", Some(Docker))));
    names(
        "/docker/OUTER/kubelet/kubepods/besteffort/pod0/ID",
        Some(("ID", None)),
    );
    names(
        "/lxc/web/system.slice/docker-ID.scope",
        Some(("ID", Some(Docker))),
    );
    names(
        "/system.slice/docker-OUTER.scope/k8s.io/ID",
        Some(("ID", Some(Containerd))),
    );
    names(
        "/docker/OUTER/libpod-conmon-ID.scope",
        Some(("OUTER", Some(Docker))),
    );
}

/// Services, slices, sessions and the monitors of runtimes are the host's.
#[test]
fn what_is_no_container_is_the_hosts() {
    for path in [
        "",
        "/",
        "//",
        "/init.scope",
        "/system.slice/docker.service",
        "/system.slice/ssh.service",
        "/user.slice/user-1000.slice/session-1.scope",
        "/system.slice/run-r0123456789abcdef0123456789abcdef.scope",
        "/kubepods/burstable/pod0-1",
        "/kubepods.slice/kubepods-pod0.slice",
        "/kubepods.slice/crio-conmon-ID.scope",
        "/crio-conmon-ID",
        "/machine.slice/libpod-conmon-ID.scope",
        "/machine.slice/machine-libpod_pod_ID.slice",
        "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator",
        "/machine.slice/machine-box.scope/supervisor",
        "/lxc.monitor.web",
        "/lxc.monitor/web",
        "/lxc",
        "/docker",
        "/docker/buildx",
        "/default/web",
        "/docker/4f5b3cc8b3f0",
        "/docker/4F5B3CC8B3F0D2A1B0E9C8D7F6A5B4C3D2E1F0A9B8C7D6E5F4A3B2C1D0E9F8A7",
        "/docker-ID.slice",
    ] {
        names(path, None);
    }
}

fn cgroup(path: &str) -> Cgroup {
    let path = fill(path).into_bytes().into();
    Cgroup::new(CgroupKey::default(), path, Attributes::default())
}

#[track_caller]
fn decides(filter: &CgroupFilter, wanted: &[&str], unwanted: &[&str]) {
    for path in wanted {
        assert!(
            filter.verdict(&cgroup(path)),
            "{path} is wanted by {filter:?}"
        );
    }
    for path in unwanted {
        assert!(
            !filter.verdict(&cgroup(path)),
            "{path} is not wanted by {filter:?}"
        );
    }
}

/// Values of one key are alternatives, keys must all match.
#[test]
fn a_filter_decides_by_the_cgroups_path() {
    let pattern = |text: &str| ContainerPattern::new(&fill(text)).unwrap();
    let path = |text: &str| text.as_bytes().into();
    let mut filter = CgroupFilter::default();
    assert!(filter.is_empty());
    decides(&filter, &["/", "/docker/ID"], &[]);
    filter.containers_only = true;
    decides(
        &filter,
        &["/docker/ID", "/lxc/web"],
        &["/", "/a.slice", "/libpod-conmon-ID"],
    );
    filter.containers = vec![pattern(TWELVE), pattern("web")];
    decides(
        &filter,
        &["/docker/ID", "/lxc/web"],
        &["/", "/docker/OUTER", "/lxc/web2"],
    );
    filter.paths = vec![path("/docker/"), path("a")];
    decides(
        &filter,
        &["/docker/ID", "/a/docker-ID.scope"],
        &["/lxc/web", "/docker/OUTER", "/b/docker/ID"],
    );
    filter = CgroupFilter {
        paths: vec![path("/a/b")],
        ..CgroupFilter::default()
    };
    decides(
        &filter,
        &["/a/b", "/a/b/", "/a/b/c"],
        &["/", "/a", "/a/bc", "/c/a/b"],
    );
    filter.paths = vec![path("/")];
    decides(&filter, &["/", "/a"], &[]);
}

/// Twelve digits are enough of an id, eleven are not; a name is a whole one.
#[test]
fn beginnings_of_ids_have_twelve_digits() {
    assert_eq!(ContainerPattern::new(""), Err(PatternError::Empty));
    assert_eq!(ContainerPattern::new(ELEVEN), Err(PatternError::TooShort));
    assert!(ContainerPattern::new(TWELVE).unwrap().matches(ID));
    assert!(ContainerPattern::new(ID).unwrap().matches(ID));
    assert!(!ContainerPattern::new(ID).unwrap().matches(TWELVE));
    assert!(ContainerPattern::new("web").unwrap().matches("web"));
    assert!(
        !ContainerPattern::new("a-long-name-of-a")
            .unwrap()
            .matches("a-long-name-of-a-container")
    );
}

fn key(id: u64) -> CgroupKey {
    CgroupKey { id, hierarchy: 0 }
}

/// A path is news once; a renamed cgroup is news again; the root is a slash.
#[test]
fn a_cgroups_path_is_told_once() {
    let mut table = CgroupTable::new(1 << 20);
    let path = |text: &str| text.as_bytes().into();
    assert!(table.insert(key(1), path("/a"), false).is_some());
    assert!(table.insert(key(1), path("/a"), false).is_none());
    assert!(
        table
            .insert(
                CgroupKey {
                    id: 1,
                    hierarchy: 2
                },
                path("/b"),
                false
            )
            .is_some()
    );
    assert_eq!(
        table.insert(key(2), path(""), false).unwrap().path.as_ref(),
        b"/"
    );
    assert!(table.insert(key(1), path("/new"), true).is_some());
    let known = table.lookup(key(1)).unwrap();
    let shown: Vec<_> = known
        .attributes
        .iter()
        .map(|(key, value)| (key.name(), value))
        .collect();
    let truncated = "process.linux.cgroup_truncated";
    assert_eq!(
        shown,
        [
            (CGROUP_PATH, Value::Str("/new")),
            (truncated, Value::Bool(true))
        ]
    );
    assert!(table.lookup(key(3)).is_none());
    assert_eq!(table.size().entries, 3);
}

/// A record with the role tells the path, leaf first; other records do not.
#[test]
fn a_record_tells_a_cgroups_path() {
    let field = |offset, shape| Field {
        offset,
        shape,
        absent: None,
    };
    let integer = |offset, size| {
        let shape = Shape::Integer {
            size,
            signed: false,
            render: Render::Number,
        };
        field(offset, shape)
    };
    let (four, eight) = (IntegerSize::Four, IntegerSize::Eight);
    let schema = |role: &str| EventSchema {
        name: Key::new(""),
        probe: "test".into(),
        size: 24,
        attributes: Vec::new(),
        header: Some(HeaderFields {
            size: 16,
            time: integer(0, eight),
            start_time: integer(0, eight),
            exec_count: integer(0, four),
            pid: integer(0, four),
            parent_pid: integer(0, four),
            cgroup_id: integer(0, eight),
            cgroup_hierarchy: integer(8, four),
        }),
        lifecycle: Some(Arc::new(Lifecycle {
            role: role.into(),
            fields: vec![("path".into(), field(16, Shape::Text(Part::Whole)))],
        })),
    };
    let mut record = vec![0; 24];
    record[0] = 7;
    record[8] = 3;
    let tail = TailRef {
        offset: 24,
        length: 5,
        flags: TEXT_PRESENT | TEXT_LEAF_FIRST,
    };
    tail.write(&mut record, 16);
    record.extend_from_slice(b"bb/a/");
    let mut table = CgroupTable::new(1 << 20);
    assert!(table.apply(&schema("exec"), &record, || NOW).is_none());
    let cgroup = table.apply(&schema("cgroup"), &record, || NOW).unwrap();
    assert_eq!(cgroup.path.as_ref(), b"/a/bb");
    assert_eq!(
        cgroup.key,
        CgroupKey {
            id: 7,
            hierarchy: 3
        }
    );
    let again = table.apply(&schema("cgroup"), &record, || NOW);
    assert_eq!(again.unwrap().path, cgroup.path);
    // The end is told to whoever shares it, once, and the rest stays known.
    assert_eq!(cgroup.ended(), None);
    for later in 0..2 {
        let now = WallNanos(NOW.0 + later);
        assert!(
            table
                .apply(&schema("cgroup_end"), &record, || now)
                .is_none()
        );
    }
    assert_eq!(cgroup.ended(), Some(NOW));
    assert!(table.lookup(cgroup.key).is_some());
}

/// The table stays below its limit; what is asked for stays.
#[test]
fn cgroups_that_nobody_asks_for_make_room() {
    let limit = 64 << 10;
    let mut table = CgroupTable::new(limit);
    for id in 1..=2000 {
        let path = format!("/kubepods/besteffort/pod{id}").into_bytes().into();
        assert!(table.insert(key(id), path, false).is_some());
        assert!(table.size().bytes <= limit);
        assert!(table.lookup(key(1)).is_some());
    }
    assert!(table.lookup(key(2)).is_none());
    let size = table.size();
    assert_eq!(size.entries as u64 + size.evicted, 2000);
}

proptest! {
    /// No path, however odd, breaks the parser; what it finds stands in the path.
    #[test]
    fn no_path_breaks_the_parser(path in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(ContainerRef::from_path(&path));
    }

    /// A container stays the same below its cgroup.
    #[test]
    fn what_is_below_a_container_is_in_it(part in "[a-z0-9_.-]{1,20}(/[a-z\\\\x0-9.:-]{1,20}){0,3}") {
        let path = fill(&format!("/docker/ID/{part}"));
        let found = ContainerRef::from_path(path.as_bytes());
        prop_assume!(!part.contains("lxc") && !part.contains("payload"));
        prop_assert_eq!(found.map(|found| found.id), Some(ID.into()));
    }
}
