//! `doctor` where kprobes, fentry and LSM programs are to be had, which not every kernel has.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test bed that fails ends the test"
)]

use std::fmt::Write as _;

use eunomia_integration::{Kernel, Machine, object, pipeline_binary};
use serde_json::Value;

/// Those that are tried by attaching.
const HOOKS: [&str; 7] = [
    "raw_tp/sys_enter",
    "tp/syscalls/sys_enter_openat",
    "fentry/vfs_open",
    "fexit/vfs_open",
    "kprobe/vfs_open",
    "kretprobe/vfs_open",
    "lsm/file_open",
];

const SCRIPT: &str = "
mount -t securityfs none /sys/kernel/security || exit 5
eunomia-pipeline doctor --format json --config /etc/pipeline.yaml >/out/found
";

/// What `doctor` says on 6.1, and its exit code, of probes on these hooks that would kill who comes by.
#[track_caller]
fn doctor_of(hooks: &[&str], machine: Machine) -> (Vec<Value>, i32) {
    let mut machine = machine.program(pipeline_binary().unwrap(), "/bin/eunomia-pipeline");
    let mut probes = String::new();
    for hook in hooks {
        let name = hook.replace('/', "_");
        let file = format!("/etc/{name}.bpf.o");
        write!(probes, "{name}: {{ object: {file} }}, ").unwrap();
        let define = format!("-DHOOK=\"{hook}\"");
        machine = machine.file(file, object("hook", &[&define, "-DKILLS"]).unwrap());
    }
    let configuration = format!(
        "version: 1
receivers: {{ ebpf: {{ probes: {{ {probes} }} }} }}
exporters: {{ json: {{ path: \"-\" }} }}
service: {{ pipelines: {{ events: {{ receivers: [ebpf], exporters: [json] }} }} }}
"
    );
    let machine = machine.file("/etc/pipeline.yaml", configuration);
    let outcome = machine.run(Kernel::V6_1, SCRIPT).unwrap();
    let found = outcome.file("found").unwrap();
    let Ok(mut found) = serde_json::from_slice::<Value>(&found) else {
        let found = String::from_utf8_lossy(&found);
        panic!("{}: {}\n{found}", outcome.status, outcome.output)
    };
    let Value::Array(probes) = found["probes"].take() else {
        panic!("{found}")
    };
    (probes, outcome.status)
}

/// Each is found, and nobody meets the program that would be there.
#[test]
fn doctor_finds_every_hook_on_6_1() {
    let (probes, status) = doctor_of(&HOOKS, Machine::new());
    assert_eq!(status, 0, "{probes:?}");
    let hooks = probes
        .iter()
        .map(|probe| &probe["programs"][0]["hook"])
        .collect::<Vec<_>>();
    assert_eq!(hooks, HOOKS);
    assert!(
        probes.iter().all(|probe| probe["missing"].is_null()),
        "{probes:?}"
    );
}

/// Where the kernel does not ask BPF among its security modules it attaches such a program, and never runs it.
#[test]
fn an_lsm_program_that_is_never_asked_is_refused() {
    let machine = Machine::new().security_modules("landlock,yama");
    let (probes, status) = doctor_of(&["lsm/file_open"], machine);
    assert_eq!(status, 77, "{probes:?}");
    let missing = probes[0]["missing"].as_str().unwrap();
    for word in ["the kernel asks ", "yama alone", "and bpf in `lsm=`"] {
        assert!(missing.contains(word), "{word}: {missing}");
    }
}
