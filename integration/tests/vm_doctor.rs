//! `doctor` where kprobes, fentry and LSM programs are to be had, which not every kernel has.

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
eunomia-pipeline doctor --format json --config /etc/pipeline.yaml >/out/found
";

/// Each is found, and nobody meets the program that would be there.
#[test]
fn doctor_finds_every_hook_on_6_1() {
    let mut machine = Machine::new().program(pipeline_binary().unwrap(), "/bin/eunomia-pipeline");
    let mut probes = String::new();
    for hook in HOOKS {
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
    let said = String::from_utf8_lossy(&found);
    assert_eq!(outcome.status, 0, "{}\n{said}", outcome.output);
    let found: Value = serde_json::from_slice(&found).unwrap();
    let probes = found["probes"].as_array().unwrap();
    let hooks: Vec<_> = probes
        .iter()
        .map(|probe| &probe["programs"][0]["hook"])
        .collect();
    assert_eq!(hooks, HOOKS);
    assert!(
        probes.iter().all(|probe| probe["missing"].is_null()),
        "{said}"
    );
}
