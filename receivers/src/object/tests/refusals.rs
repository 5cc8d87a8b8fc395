use std::fs;

use super::compile;
use crate::object::Object;

#[track_caller]
fn refuses(case: &str, reason: &str) {
    let error = Object::parse("p", &compile("refused", case)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(reason), "{text}");
}

/// The last case is sound, so each of the others is refused for its own mistake.
#[test]
fn annotations_that_make_no_sense_are_refused() {
    assert!(Object::parse("p", &compile("refused", "0")).is_ok());
    refuses("1", "field name of struct event: ERRNO is for integers");
    refuses("2", "event sample: the attribute a is there twice");
    refuses(
        "3",
        "field mode of struct event: the enum nowhere is not in the object's BTF",
    );
    refuses(
        "4",
        "field port of struct event: PORT is for integers of two bytes",
    );
    refuses(
        "5",
        "field small of struct event: the number 256 doesn't fit",
    );
    refuses(
        "6",
        "event sample: its struct must begin with struct event_header",
    );
    refuses(
        "7",
        "annotation \"derive:upper:a\" of field pid of struct event is malformed",
    );
    refuses(
        "8",
        "field huge of struct event: its type (an integer of 16 bytes) can't be shown",
    );
    refuses("9", "struct event does not begin with struct event_header");
    refuses("10", "event other: eunomia_other is no pointer to a struct");
    refuses("11", "metric map ring: expected a hash, an array");
    refuses("12", "option key: both one and two are it");
    refuses(
        "13",
        "metric map ring: the value of a histogram is an array",
    );
    refuses(
        "14",
        "program on_switch is in the section \"xdp\", which is no known hook; known are tp_btf/NAME",
    );
    refuses("15", "map records is a perf event array, which is not read");
}

#[track_caller]
fn refuses_bytes(bytes: &[u8], reason: &str) {
    let error = Object::parse("p", bytes).unwrap_err().to_string();
    assert!(error.contains(reason), "{error}");
}

/// What is no object for BPF says how to make one.
#[test]
fn other_files_are_refused() {
    refuses_bytes(b"", "not an object file for BPF");
    refuses_bytes(b"#!/bin/sh\n", "not an object file for BPF");
    let ours = fs::read("/proc/self/exe").unwrap();
    refuses_bytes(&ours, "compiled for another machine");
    let mut without_types = compile("foreign", "0");
    while let Some(name) = without_types.windows(5).position(|w| w == b".BTF\0") {
        without_types[name + 3] = b'X';
    }
    refuses_bytes(&without_types, "has no BTF: compile it with -g");
}

/// Headers of another version, and records that nobody can tell apart.
#[test]
fn objects_that_would_be_misread_are_refused() {
    refuses_bytes(
        &compile("other_abi", "0"),
        "built for ABI 99 of eunomia.h, this program speaks ABI 1",
    );
    refuses_bytes(
        &compile("untagged", "1"),
        "struct record through the shared rings without a number of their kind",
    );
    refuses_bytes(
        &compile("several_structs", "0"),
        "several global pointers to structs (one, two)",
    );
    refuses_bytes(
        &compile("no_struct", "0"),
        "has no event: tag its struct with EVENT()",
    );
}
