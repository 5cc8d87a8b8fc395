//! Nobody with the capabilities that the program needs, on each kernel.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use eunomia_integration::{Event, Kernel, Machine, Outcome, pipeline_binary, workload_binary};

const ENOUGH: &str = ",+bpf,+perfmon";

/// What is in the bpffs after the end is what was left there.
const SCRIPT: &str = "
chown 65534 /sys/fs/bpf && chmod 700 /sys/fs/bpf
caps=-allCAPABILITIES
/usr/bin/setpriv --reuid=65534 --regid=65534 --clear-groups \
    --inh-caps=$caps --ambient-caps=$caps --bounding-set=$caps \
    eunomia-pipeline run process open --format ndjson -o /tmp/events --drain-timeout 2m \
    -- workload execs count=5 2>&1 >/dev/null
status=$?
cp /tmp/events /out
find /sys/fs/bpf -name 'eunomia*' >/out/pins
exit $status
";

#[track_caller]
fn ran_with(kernel: Kernel, capabilities: &str) -> Outcome {
    let machine = Machine::new()
        .program("/usr/bin/setpriv", "/usr/bin/setpriv")
        .program(workload_binary().unwrap(), "/bin/workload")
        .program(pipeline_binary().unwrap(), "/bin/eunomia-pipeline");
    let script = SCRIPT.replace("CAPABILITIES", capabilities);
    let outcome = machine.run(kernel, &script).unwrap();
    assert_eq!(outcome.file("pins").unwrap(), b"", "{}", outcome.output);
    outcome
}

/// All of the workload is seen.
#[track_caller]
fn is_enough(kernel: Kernel, capabilities: &str) {
    let outcome = ran_with(kernel, capabilities);
    assert_eq!(outcome.status, 0, "{}", outcome.output);
    let text = String::from_utf8_lossy(&outcome.file("events").unwrap()).into_owned();
    let events = Event::read_all(&text).unwrap();
    let of = |kind| events.iter().filter(|event| event.kind() == kind).count();
    let kinds = ["process.fork", "process.exec", "process.exit"].map(of);
    assert_eq!(kinds, [5, 6, 6]);
    assert!(of("file.open") > 0);
}

/// The oldest kernel counts maps as locked memory: it takes one more, and the error says so.
#[test]
fn on_5_10_it_takes_a_third_capability() {
    let outcome = ran_with(Kernel::V5_10, ENOUGH);
    assert_eq!(outcome.status, 77, "{}", outcome.output);
    assert_eq!(outcome.output.lines().count(), 1, "{}", outcome.output);
    for remedy in ["CAP_SYS_RESOURCE", "`ulimit -l unlimited`"] {
        assert!(outcome.output.contains(remedy), "{}", outcome.output);
    }
    is_enough(Kernel::V5_10, &format!("{ENOUGH},+sys_resource"));
}

/// Debian 12's.
#[test]
fn two_capabilities_are_enough_on_6_1() {
    is_enough(Kernel::V6_1, ENOUGH);
}

/// Debian 13's.
#[test]
fn two_capabilities_are_enough_on_6_12() {
    is_enough(Kernel::V6_12, ENOUGH);
}

/// The newest one.
#[test]
fn two_capabilities_are_enough_on_the_newest() {
    is_enough(Kernel::V7, ENOUGH);
}
