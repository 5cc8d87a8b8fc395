//! The virtual machines themselves: that each kernel boots, and has what probes stand on.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use eunomia_integration::{Cgroups, Error, Kernel, Machine};

/// What every kernel is asked for: its name, type information, file systems, loopback.
const LOOK: &str = "
uname -r
test -s /sys/kernel/btf/vmlinux && echo btf
grep -q bpf /sys/kernel/security/lsm 2>/dev/null || mount -t securityfs s /sys/kernel/security
grep -o bpf /sys/kernel/security/lsm
stat -f -c %T /sys/fs/bpf
stat -f -c %T /sys/fs/cgroup
ping -c 1 -q 127.0.0.1 >/dev/null && echo ipv4
ping -c 1 -q ::1 >/dev/null && echo ipv6
printf 'a\\nb' >/out/two
exit 7
";

#[track_caller]
fn boots(kernel: Kernel) {
    let outcome = Machine::new().run(kernel, LOOK).unwrap();
    let release = kernel.release().unwrap();
    let said: Vec<_> = outcome.output.lines().collect();
    assert_eq!(
        said[..3],
        [release.as_str(), "btf", "bpf"],
        "{}",
        outcome.output
    );
    assert_eq!(said[5..], ["ipv4", "ipv6"], "{}", outcome.output);
    assert_eq!(outcome.status, 7);
    assert_eq!(outcome.file("two").unwrap(), b"a\nb");
}

/// The oldest kernel supported.
#[test]
fn kernel_5_10_boots() {
    boots(Kernel::V5_10);
}

/// Debian 12's.
#[test]
fn kernel_6_1_boots() {
    boots(Kernel::V6_1);
}

/// Debian 13's.
#[test]
fn kernel_6_12_boots() {
    boots(Kernel::V6_12);
}

/// The newest one.
#[test]
fn newest_kernel_boots() {
    boots(Kernel::V7);
}

/// On 5.10 the memory controller can still sit on a hierarchy of version 1.
#[test]
fn hybrid_machine_has_memory_on_version_1() {
    let look = "/bin/container \
        /sys/fs/cgroup/memory/docker/abc:/sys/fs/cgroup/unified/docker/abc box / \
        sh -c 'hostname; cat /proc/self/cgroup; echo $$'";
    let machine = Machine::new().cgroups(Cgroups::Hybrid);
    let outcome = machine.run(Kernel::V5_10, look).unwrap();
    let said: Vec<_> = outcome.output.lines().collect();
    assert_eq!(said.first(), Some(&"box"), "{}", outcome.output);
    assert_eq!(said.last(), Some(&"1"), "{}", outcome.output);
    assert!(
        outcome.output.contains(":memory:/docker/abc\n"),
        "{}",
        outcome.output
    );
    assert!(
        outcome.output.contains("0::/docker/abc\n"),
        "{}",
        outcome.output
    );
}

/// A machine that ends before its script does is no success.
#[test]
fn machine_that_dies_in_its_script_is_an_error() {
    let died = Machine::new()
        .run(Kernel::V5_10, "echo going; poweroff -f")
        .unwrap_err();
    assert!(
        matches!(&died, Error::Machine { console, .. } if console.contains("going")),
        "{died}"
    );
}
