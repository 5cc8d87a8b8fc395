//! How points share requests.

use eunomia_core::batch::Batch;
use eunomia_core::signal::Signal;

use super::{parse, settings};
use crate::influxdb::Schema;
use crate::influxdb::encode::{LineEncoder, LineSettings, Pushed, Request};
use crate::support;

fn opens(paths: &[&[u8]]) -> Batch {
    let kind = support::open_kind();
    let records: Vec<_> = paths
        .iter()
        .map(|path| (&kind, support::open(&kind, path)))
        .collect();
    support::batch(&records, Vec::new())
}

/// All requests of a batch, and what else was said.
fn requests(signal: &Signal, settings: &LineSettings) -> (Vec<Request>, Vec<Pushed>) {
    let mut encoder = LineEncoder::new(&support::host(), settings);
    let (mut requests, mut others) = (Vec::new(), Vec::new());
    encoder.push(signal, |pushed| match pushed {
        Pushed::Full(request) => requests.push(request),
        Pushed::Added => {}
        Pushed::TooLarge | Pushed::Empty => others.push(pushed),
    });
    requests.extend(encoder.finish());
    (requests, others)
}

fn lines(requests: &[Request]) -> Vec<usize> {
    let of = |request: &Request| parse(str::from_utf8(&request.body).unwrap()).len();
    requests.iter().map(of).collect()
}

/// Whichever limit is met first ends a request.
#[test]
fn a_request_is_full_at_either_limit() {
    let signal = Signal::Events(opens(&[b"/a", b"/b", b"/c", b"/d\n", b"/e"]));
    let by_lines = LineSettings {
        max_lines: 2,
        ..settings()
    };
    assert_eq!(lines(&requests(&signal, &by_lines).0), [2, 2, 1]);
    let whole = requests(&signal, &settings()).0;
    let by_bytes = LineSettings {
        max_bytes: whole[0].body.len() - 1,
        ..settings()
    };
    assert_eq!(lines(&requests(&signal, &by_bytes).0), [4, 1]);
}

/// What fits no request is said, and the others go on.
#[test]
fn a_line_too_large_is_left_out() {
    let long = [b'x'; 3000];
    let signal = Signal::Events(opens(&[b"/a", &long, b"/b"]));
    let small = LineSettings {
        max_bytes: 2000,
        ..settings()
    };
    let (requests, others) = requests(&signal, &small);
    assert_eq!(others, [Pushed::TooLarge]);
    assert_eq!(lines(&requests), [2]);
}

/// Halves hold all of it; a single item cannot be halved.
#[test]
fn a_request_is_halved_between_items() {
    let signal = Signal::Events(opens(&[b"/a", b"/b\n\"", b"/c"]));
    let whole = requests(&signal, &settings()).0.remove(0);
    let mut first = whole.clone();
    let mut second = first.halve().unwrap();
    assert_eq!(lines(&[first.clone(), second.clone()]), [1, 2]);
    assert_eq!([&*first.body, &*second.body].concat(), whole.body);
    assert_eq!(first.halve(), None);
    let third = second.halve().unwrap();
    assert_eq!(lines(&[second, third]), [1, 1]);
}

/// The lines of one histogram stay together.
#[test]
fn a_point_of_several_lines_is_one_item() {
    let settings = LineSettings {
        schema: Schema::TelegrafPrometheusV2,
        max_lines: 3,
        ..settings()
    };
    let signal = Signal::Metrics(support::metrics());
    let (requests, _) = requests(&signal, &settings);
    let items: Vec<_> = requests.iter().map(Request::items).collect();
    assert_eq!(items, [3, 1]);
    assert_eq!(lines(&requests), [3, 3]);
}

/// Series remember their times from batch to batch.
#[test]
fn the_same_event_twice_is_two_points() {
    let signal = Signal::Events(opens(&[b"/a"]));
    let mut encoder = LineEncoder::new(&support::host(), &settings());
    for _ in 0..3 {
        encoder.push(&signal, drop);
    }
    let request = encoder.finish().unwrap();
    let times: Vec<_> = parse(str::from_utf8(&request.body).unwrap())
        .iter()
        .map(|point| point.time)
        .collect();
    assert_eq!(times, [times[0], times[0] + 1, times[0] + 2]);
}
