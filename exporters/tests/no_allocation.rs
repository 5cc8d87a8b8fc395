//! Encoding allocates nothing for an event: what a second pass over the same
//! batch takes does not grow with the number of events in it.

use count::allocations;
use eunomia_core::batch::Batch;
use eunomia_core::signal::Signal;
use eunomia_exporters::{CsvEncoder, Format, JsonEncoder, LineEncoder, LineSettings};
use eunomia_exporters::{Lines, LogsEncoder, Pushed};
use eunomia_exporters::{Precision, Schema, Unsigned};

#[path = "../../benches/hot_path/count.rs"]
mod count;
#[cfg(test)]
#[path = "support/mod.rs"]
mod support;

/// Execs, opens and connects, so many times each, hostile text among them.
fn events(times: usize) -> Batch {
    let (exec, open, connect) = (
        support::exec_kind(),
        support::open_kind(),
        support::connect_kind(),
    );
    let mut records = Vec::new();
    for _ in 0..times {
        records.extend([
            (&exec, support::exec(&exec, b"sh\0-c\0echo 'a b'\0")),
            (&open, support::open(&open, b"/tmp/\xff\n")),
            (&open, support::failed_open(&open, b"../x")),
            (&connect, support::connect(&connect, "::1", "fe80::1", 111)),
        ]);
    }
    support::batch(&records, vec![support::subject(1, b"/bin/\xfe")])
}

/// Allocations of the second of two passes.
fn in_second_pass(mut pass: impl FnMut()) -> usize {
    pass();
    allocations(pass).1
}

/// NDJSON goes into a buffer that is used again.
#[test]
fn json_allocates_nothing_for_an_event() {
    let signal = Signal::Events(events(100));
    let mut encoder = JsonEncoder::new(&support::host());
    let mut lines = Lines::default();
    let allocations = in_second_pass(|| {
        lines.clear();
        encoder.encode(&signal, &mut lines);
    });
    assert_eq!(allocations, 0);
}

/// CSV too, the columns of processors included.
#[test]
fn csv_allocates_nothing_for_an_event() {
    let signal = Signal::Events(events(100));
    let mut encoder = CsvEncoder::new(&support::host(), true);
    let mut lines = Lines::default();
    let allocations = in_second_pass(|| {
        lines.clear();
        encoder.encode(&signal, &mut lines);
    });
    assert_eq!(allocations, 0);
}

/// A request has a body and its groups, whose buffers are those of the request before.
#[test]
fn otlp_allocates_nothing_for_an_event() {
    for format in [Format::Protobuf, Format::Json] {
        let many = |times| otlp_allocations(times, 64 << 20, format);
        assert_eq!(
            many(10),
            many(1500),
            "{format:?}: for 40 and for 6,000 events"
        );
    }
}

/// Nor for a request that is full: it has a body and the head of its group, and no buffer grows.
#[test]
fn otlp_fills_the_buffers_of_full_requests_again() {
    for (format, parts) in [(Format::Protobuf, 7), (Format::Json, 13)] {
        for max_bytes in [1 << 16, 100_000, 1 << 18, 300_000] {
            let each = otlp_allocations(1500, max_bytes, format);
            assert!(each <= parts, "{format:?} of {max_bytes}: {each}");
        }
    }
}

/// Allocations for a request, once buffers are there.
fn otlp_allocations(times: usize, max_bytes: usize, format: Format) -> usize {
    let batch = events(times);
    let mut encoder = LogsEncoder::new(&support::host(), max_bytes, format);
    let mut requests = 0;
    let allocations = in_second_pass(|| {
        requests = 1;
        encoder.push(&batch, |pushed| {
            requests += usize::from(matches!(pushed, Pushed::Full(_)));
        });
        assert!(encoder.finish().is_some());
    });
    allocations.div_ceil(requests)
}

/// A request has a body and the ends of its lines; both are as large as the last
/// request's from the start. Tags that change from event to event are collected
/// in memory that is used again.
#[test]
fn line_protocol_allocates_nothing_for_an_event() {
    for tags in [
        vec![],
        vec!["file.path".to_owned(), "error.type".to_owned()],
    ] {
        let settings = LineSettings {
            schema: Schema::Eunomia,
            tags,
            precision: Precision::Ns,
            unsigned: Unsigned::Kept,
            max_lines: 5000,
            max_bytes: 64 << 20,
        };
        let signal = Signal::Events(events(1000));
        let mut encoder = LineEncoder::new(&support::host(), &settings);
        let allocations = in_second_pass(|| {
            encoder.push(&signal, drop);
            assert_eq!(encoder.finish().unwrap().items(), 4000);
        });
        assert!(allocations <= 4, "{allocations} for 4,000 events");
    }
}
