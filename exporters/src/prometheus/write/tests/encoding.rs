//! Requests, decoded by others.

use std::fmt::Write as _;

use prost::Message as _;
use snap::raw::Decoder;

use super::model::{Histogram, Request2, Sample, WriteRequest};
use super::{NOW, page, settings};
use crate::prometheus::page::Page;
use crate::prometheus::write::config::{ProtobufMessage, RemoteWriteSettings};
use crate::prometheus::write::encode::{Request, encode_remote_write};

fn requests(page: &Page, settings: &RemoteWriteSettings) -> Vec<Request> {
    encode_remote_write(page, settings, NOW)
}

fn plain(request: &Request) -> Vec<u8> {
    Decoder::new().decompress_vec(&request.body).unwrap()
}

/// A line for each series: labels, samples, histograms.
fn line(labels: &[(&str, &str)], samples: &[Sample], histograms: &[Histogram]) -> String {
    let labels: Vec<_> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    let mut line = labels.join(" ");
    for sample in samples {
        write!(line, " {} @{}", sample.value, sample.timestamp).unwrap();
    }
    for histogram in histograms {
        write!(line, " {histogram:?}").unwrap();
    }
    line
}

fn lines_1(request: &Request) -> Vec<String> {
    let decoded = WriteRequest::decode(&*plain(request)).unwrap();
    let series = decoded.timeseries.iter().map(|series| {
        let labels = series.labels.iter();
        let labels: Vec<_> = labels.map(|one| (&*one.name, &*one.value)).collect();
        line(&labels, &series.samples, &series.histograms)
    });
    let metadata = decoded.metadata.iter().map(|one| format!("{one:?}"));
    series.chain(metadata).collect()
}

fn lines_2(request: &Request) -> Vec<String> {
    let decoded = Request2::decode(&*plain(request)).unwrap();
    assert_eq!(decoded.symbols.first().map(String::as_str), Some(""));
    let text = |place: u32| decoded.symbols[place as usize].as_str();
    let series = decoded.timeseries.iter().map(|series| {
        let pairs = series.labels_refs.chunks(2);
        let labels: Vec<_> = pairs.map(|pair| (text(pair[0]), text(pair[1]))).collect();
        let line = line(&labels, &series.samples, &series.histograms);
        let metadata = series.metadata.as_ref().unwrap();
        let (help, unit) = (text(metadata.help_ref), text(metadata.unit_ref));
        format!("{line} / {} {help:?} {unit:?}", metadata.kind)
    });
    series.collect()
}

fn with_native(message: ProtobufMessage) -> RemoteWriteSettings {
    RemoteWriteSettings {
        send_native_histograms: true,
        ..settings("http://x", message)
    }
}

/// The whole page as `prometheus.WriteRequest`.
#[test]
fn the_page_as_remote_write_1() {
    let settings = with_native(ProtobufMessage::V1);
    let requests = requests(&page(&settings), &settings);
    assert_eq!(requests.len(), 1);
    insta::assert_snapshot!(lines_1(&requests[0]).join("\n"));
}

/// The whole page as `io.prometheus.write.v2.Request`.
#[test]
fn the_page_as_remote_write_2() {
    let settings = with_native(ProtobufMessage::V2);
    let requests = requests(&page(&settings), &settings);
    assert_eq!(requests.len(), 1);
    insta::assert_snapshot!(lines_2(&requests[0]).join("\n"));
}

/// No request has more samples than it may; together they have all.
#[test]
fn requests_are_bounded() {
    for message in [ProtobufMessage::V1, ProtobufMessage::V2] {
        let mut settings = with_native(message);
        let page = page(&settings);
        let whole = requests(&page, &settings)[0].count.total();
        settings.max_samples_per_send = 3;
        let counts: Vec<_> = requests(&page, &settings)
            .iter()
            .map(|request| request.count.total())
            .collect();
        assert!(
            counts.iter().all(|count| (1..=3).contains(count)),
            "{counts:?}"
        );
        assert_eq!(counts.iter().sum::<u64>(), whole);
    }
}

/// Labels are sorted, whatever they are called, or receivers refuse them.
#[test]
fn labels_are_sorted() {
    let settings = with_native(ProtobufMessage::V1);
    for request in requests(&page(&settings), &settings) {
        let decoded = WriteRequest::decode(&*plain(&request)).unwrap();
        for series in decoded.timeseries {
            assert!(series.labels.is_sorted_by(|a, b| a.name < b.name));
        }
    }
}

/// The names of series that are told to have ended.
fn ended(request: &Request) -> Vec<String> {
    let is_stale = |value: f64| value.to_bits() == 0x7ff0_0000_0000_0002;
    let mut decoded = WriteRequest::decode(&*plain(request)).unwrap();
    decoded.timeseries.retain(|series| {
        let samples = series.samples.iter().map(|sample| sample.value);
        let sums = series.histograms.iter().map(|histogram| histogram.sum);
        samples.chain(sums).any(is_stale)
    });
    let series = decoded.timeseries.iter();
    series
        .map(|series| series.labels[0].value.clone())
        .collect()
}

/// A series that has expired is told to have ended, once.
#[test]
fn expired_series_are_told_to_have_ended() {
    let settings = with_native(ProtobufMessage::V1);
    let page = page(&settings);
    let later = eunomia_core::time::WallNanos(NOW.0 + 301_000_000_000);
    page.expire(later);
    let ended = |page: &Page| {
        let requests = requests(page, &settings);
        requests.iter().flat_map(ended).collect::<Vec<_>>()
    };
    assert_eq!(
        ended(&page),
        [
            "eunomia_disk_io_bytes_total",
            "eunomia_disk_latency_seconds_bucket",
            "eunomia_disk_latency_seconds_bucket",
            "eunomia_disk_latency_seconds_bucket",
            "eunomia_disk_latency_seconds_sum",
            "eunomia_disk_latency_seconds_count",
            "eunomia_disk_latency_seconds",
            "eunomia_disk_load",
            "eunomia_disk_queue",
        ]
    );
    assert_eq!(ended(&page), [""; 0]);
}
