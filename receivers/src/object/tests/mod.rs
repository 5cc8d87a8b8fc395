//! Objects compiled from `tests/objects/` and what is read from them.

use std::env::consts;
use std::path::Path;
use std::process::Command;

use eunomia_core::config::{Node, Span, Value};
use eunomia_core::value::OwnedValue;

use super::{Event, Object};

mod builtin;
mod events;
mod foreign;
mod fuzz;
mod layouts;
mod metrics;
mod options;
mod refusals;

/// Compiles `tests/objects/<name>.bpf.c` with clang, as a probe is compiled.
#[track_caller]
fn compile(name: &str, define: &str) -> Vec<u8> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let machine = consts::ARCH;
    let output = Command::new("clang")
        .args([
            "-O2",
            "-g",
            "-mcpu=v3",
            "-target",
            "bpf",
            "-D__TARGET_ARCH_x86",
        ])
        .arg(format!("-DCASE={define}"))
        .arg("-I")
        .arg(here.join("../probes/include"))
        .arg(format!("-idirafter/usr/include/{machine}-linux-gnu"))
        .arg("-c")
        .arg(here.join(format!("tests/objects/{name}.bpf.c")))
        .args(["-o", "-"])
        .output()
        .expect("clang runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {errors}");
    output.stdout
}

/// The object of `tests/objects/<name>.bpf.c` as a probe of that name.
#[track_caller]
fn object(name: &str) -> Object {
    Object::parse(name, &compile(name, "0")).unwrap()
}

/// What `event` shows of `record`.
fn shown(event: &Event, record: &[u8]) -> Vec<(String, OwnedValue)> {
    let mut shown = Vec::new();
    for attribute in &event.schema.attributes {
        attribute.visit(record, &mut |key, value| {
            shown.push((key.name().to_owned(), OwnedValue::from(value)));
        });
    }
    shown
}

/// The value called `name` of what `event` shows of `record`.
fn value(event: &Event, record: &[u8], name: &str) -> Option<OwnedValue> {
    let all = shown(event, record);
    all.into_iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
}

fn names(event: &Event) -> Vec<&str> {
    let attributes = event.schema.attributes.iter();
    attributes.map(|attribute| attribute.key.name()).collect()
}

fn node(value: Value) -> Node {
    Node::new(value, Span::new("a.yaml", 3, 7))
}

fn text(text: &str) -> OwnedValue {
    OwnedValue::Str(text.into())
}
