//! The machine that the program runs on.

use std::fs;

use eunomia_core::component::Host;

const MACHINE_ID: [&str; 2] = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Asks the kernel and the usual files; what they do not know stays empty.
pub fn read() -> Host {
    let names = rustix::system::uname();
    Host {
        name: names.nodename().to_string_lossy().into(),
        id: MACHINE_ID
            .into_iter()
            .map(line)
            .find(|id| !id.is_empty())
            .unwrap_or_default(),
        arch: architecture(&names.machine().to_string_lossy()).into(),
        boot_id: line(BOOT_ID),
    }
}

/// The first line of a file, empty if it cannot be read.
fn line(path: &str) -> Box<str> {
    fs::read_to_string(path)
        .unwrap_or_default()
        .lines()
        .next()
        .unwrap_or_default()
        .trim()
        .into()
}

/// The kernel's name of an architecture in OpenTelemetry's words.
fn architecture(machine: &str) -> &str {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
