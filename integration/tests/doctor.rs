//! `doctor` on the running kernel: probes are loaded and attached to nothing.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::fs;
use std::process::{Command, Output};

use eunomia_integration::{Scratch, pipeline_binary};
use serde_json::Value;

fn doctor<const N: usize>(arguments: [&str; N]) -> Output {
    let mut command = Command::new(pipeline_binary().unwrap());
    command.arg("doctor").args(arguments).output().unwrap()
}

/// What it says of probes all of which work.
#[track_caller]
fn report(output: &Output) -> Value {
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{complaints}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Each probe works here, and says through what.
#[test]
fn doctor_says_what_each_probe_uses() {
    let report = report(&doctor(["--format", "json"]));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_eq!(report["kernel"], kernel.trim_end());
    let probes = report["probes"].as_array().unwrap();
    let names: Vec<_> = probes
        .iter()
        .map(|probe| probe["probe"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["open", "process", "tcp"]);
    let mut programs = probes
        .iter()
        .flat_map(|probe| probe["programs"].as_array().unwrap());
    assert!(programs.all(|program| {
        program["hook"]
            .as_str()
            .is_some_and(|hook| hook.contains('/'))
            && program["verified_instructions"]
                .as_u64()
                .is_some_and(|count| count > 0)
    }));
    let readable = doctor([]);
    assert_eq!(readable.status.code(), Some(0));
    let readable = String::from_utf8_lossy(&readable.stdout);
    for name in names {
        assert!(
            readable.contains(&format!("probe {name}: works")),
            "{readable}"
        );
    }
}

/// With a configuration it is the probes of that which are looked at, as they are set there.
#[test]
fn doctor_looks_at_the_probes_of_a_configuration() {
    let scratch = Scratch::new("doctor").unwrap();
    let examine = |probes: &str| {
        let yaml = format!(
            "version: 1
receivers:
  ebpf/mine: {{ probes: {{ {probes} }} }}
  ebpf/unused: {{ probes: {{ process: {{}} }} }}
exporters: {{ console: }}
service: {{ pipelines: {{ events: {{ receivers: [ebpf/mine], exporters: [console] }} }} }}
"
        );
        let file = scratch.write("pipeline.yaml", yaml).unwrap();
        doctor(["--format", "json", "--config", file.to_str().unwrap()])
    };
    let found = examine("tcp: {}, open: { failed_only: true }");
    let report = report(&found);
    let probes: Vec<_> = report["probes"].as_array().unwrap().iter().collect();
    let said = |key| probes.iter().map(|probe| &probe[key]).collect::<Vec<_>>();
    assert_eq!(said("receiver"), ["ebpf/mine", "ebpf/mine"]);
    assert_eq!(said("probe"), ["tcp", "open"]);

    let wrong = examine("opne: {}");
    assert_eq!(wrong.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("did you mean `open`"));
}
