//! `doctor` on the running kernel: probes are loaded and attached to nothing that there is. And what becomes of a
//! probe that this kernel does not take.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::fs;
use std::process::{Command, Output};

use eunomia_integration::{Account, Pipeline, Scratch, Workload, object, pipeline_binary};
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

/// The probe `mine` on this hook; no kernel has one called `eun_absent`.
#[track_caller]
fn mine(scratch: &Scratch, hook: &str) -> String {
    let define = format!("-DHOOK=\"{hook}\"");
    let object = object("hook", &[&define]).unwrap();
    let file = scratch.write("hook.bpf.o", object).unwrap();
    format!("mine: {{ object: {} }}", file.display())
}

/// A daemon's configuration with these probes, narrowed to one process.
fn configuration(probes: &str, pid: u32) -> String {
    format!(
        "version: 1
receivers: {{ ebpf: {{ probes: {{ {probes} }}, filter: {{ pid: [{pid}] }} }} }}
exporters: {{ json: {{ path: \"-\" }} }}
service: {{ pipelines: {{ events: {{ receivers: [ebpf], exporters: [json] }} }} }}
"
    )
}

/// The highest id, which no process ever has.
const NOBODY: u32 = 4_194_304;

#[track_caller]
fn doctor_of(scratch: &Scratch, probes: &str) -> Output {
    let file = scratch.write("pipeline.yaml", configuration(probes, NOBODY));
    let file = file.unwrap();
    doctor(["--format", "json", "--config", file.to_str().unwrap()])
}

/// Hooks of which only attaching tells are found where they are.
#[test]
fn doctor_finds_hooks_by_attaching() {
    for hook in ["raw_tp/sched_process_exec", "tp/syscalls/sys_enter_chdir"] {
        let scratch = Scratch::new("doctor").unwrap();
        let report = report(&doctor_of(&scratch, &mine(&scratch, hook)));
        assert_eq!(report["probes"][0]["missing"], Value::Null);
        assert_eq!(report["probes"][0]["programs"][0]["hook"], hook);
    }
}

/// Beside a probe that works one whose hook the kernel lacks is named, with what it needs: whichever of loading and
/// attaching would tell.
#[test]
fn doctor_names_what_a_probe_lacks() {
    for (hook, needed) in [
        ("tp_btf/eun_absent", "available_events"),
        ("raw_tp/eun_absent", "available_events"),
        ("tp/eun/eun_absent", "available_events"),
        ("fentry/eun_absent", "CONFIG_DYNAMIC_FTRACE"),
        ("kprobe/eun_absent", "CONFIG_KPROBE_EVENTS=y"),
        ("kretprobe/eun_absent", "/proc/kallsyms"),
        ("lsm/eun_absent", "CONFIG_BPF_LSM=y"),
    ] {
        let scratch = Scratch::new("doctor").unwrap();
        let probes = format!("{}, open: {{}}", mine(&scratch, hook));
        let found = doctor_of(&scratch, &probes);
        assert_eq!(found.status.code(), Some(77), "{hook}");
        let found: Value = serde_json::from_slice(&found.stdout).unwrap();
        let [mine, open] = [0, 1].map(|index| &found["probes"][index]);
        assert_eq!(
            (&mine["probe"], &open["probe"]),
            (&"mine".into(), &"open".into())
        );
        let missing = mine["missing"].as_str().unwrap();
        for word in ["on_hook", &format!("{hook} needs "), needed] {
            assert!(missing.contains(word), "{word}: {missing}");
        }
        let program = &mine["programs"][0];
        assert_eq!(program["hook"], hook);
        // The others are loaded all the same.
        let is_verified = !["tp_btf/", "fentry/", "lsm/"]
            .iter()
            .any(|kind| hook.starts_with(kind));
        assert_eq!(program["verified_instructions"].is_u64(), is_verified);
        assert_eq!(open["missing"], Value::Null);
    }
}

/// A daemon goes on without it, and an error in the log names it.
#[test]
fn refused_probe_is_left_out() {
    let scratch = Scratch::new("refused").unwrap();
    let probes = format!("{}, open: {{}}", mine(&scratch, "kprobe/eun_absent"));
    let workload = Workload::start(&["flood", "call=open", "count=5"]).unwrap();
    let pipeline = Pipeline::start(&configuration(&probes, workload.pid()), &[]).unwrap();
    pipeline.wait_for_log("\"started\"").unwrap();
    workload.finish().unwrap();
    let finished = pipeline.stop().unwrap();
    assert_eq!(finished.status.code(), Some(0));
    assert_eq!(finished.events().unwrap().len(), 5);
    let is_mine =
        |account: &Account| matches!(account, Account::Probe { probe, .. } if probe == "mine");
    assert!(!finished.accounts().iter().any(is_mine));
    let errors: Vec<_> = finished
        .stderr
        .iter()
        .filter(|line| line.contains("\"ERROR\""))
        .collect();
    let [error] = errors[..] else {
        panic!("{errors:?}")
    };
    for word in [
        "\"probe\":\"mine\"",
        "on_hook",
        "CONFIG_KPROBE_EVENTS=y",
        "going on without",
    ] {
        assert!(error.contains(word), "{word}: {error}");
    }
}

/// With no other probe there is nothing to go on with: 77, and one line.
#[test]
fn refused_probe_alone_ends_with_77() {
    let scratch = Scratch::new("refused").unwrap();
    let probes = mine(&scratch, "kprobe/eun_absent");
    let pipeline = Pipeline::start(&configuration(&probes, NOBODY), &[]).unwrap();
    let finished = pipeline.finish().unwrap();
    assert_eq!(finished.status.code(), Some(77));
    let [error] = &finished.stderr[..] else {
        panic!("{:?}", finished.stderr)
    };
    assert!(
        error.contains("on_hook") && error.contains("CONFIG_KPROBE_EVENTS=y"),
        "{error}"
    );
}
