//! The page for Prometheus, read as its formats say: text line by line, protobuf by prost.

use std::collections::{BTreeMap, BTreeSet};

use eunomia_core::time::WallNanos;
use eunomia_exporters::{PrometheusConfig, PrometheusPage};

use crate::input::Input;
use crate::support;

#[path = "../../../exporters/src/prometheus/tests/model.rs"]
mod protobuf;

const NOW: WallNanos = WallNanos(1_795_334_400_000_000_000);
const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0";
const PROTOBUF: &str = "application/vnd.google.protobuf;\
    proto=io.prometheus.client.MetricFamily;encoding=delimited";
/// The last line of OpenMetrics.
const END: &str = "# EOF";

/// The text that every Prometheus reads.
pub fn prometheus_text(data: &[u8]) {
    check(data, "", |page| Text::read(page, false).counted());
}

/// OpenMetrics, which says where it ends.
pub fn prometheus_open_metrics(data: &[u8]) {
    check(data, OPEN_METRICS, |page| Text::read(page, true).counted());
}

/// Families of `io.prometheus.client`.
pub fn prometheus_protobuf(data: &[u8]) {
    check(data, PROTOBUF, |page| {
        let families = protobuf::decode(page);
        let names: BTreeSet<_> = families.iter().map(|family| family.name.clone()).collect();
        assert_eq!(names.len(), families.len(), "a family is there twice");
        let is_count = |name: &Option<String>| name.as_deref() == Some("eunomia_events_total");
        let counts = families.iter().filter(|family| is_count(&family.name));
        let counters = counts
            .flat_map(|family| &family.metric)
            .map(|metric| &metric.counter);
        counters.flatten().filter_map(|counter| counter.value).sum()
    });
}

/// The page in this format counts every event.
fn check(data: &[u8], accept: &str, counted: fn(&[u8]) -> f64) {
    let Some(input) = Input::new(data) else {
        return;
    };
    let config = PrometheusConfig::default();
    let page = PrometheusPage::new(&config, &support::host(), None);
    for signal in input.signals() {
        page.update(&signal, NOW);
    }
    let (_, body) = page.render(accept, NOW);
    let events = u32::try_from(input.events.len()).expect("a few");
    assert_eq!(counted(&body), f64::from(events));
}

/// A page, line by line.
#[derive(Default)]
struct Text {
    /// Families by the comments about them.
    said: BTreeSet<(String, String)>,
    samples: BTreeMap<String, f64>,
}

impl Text {
    fn read(page: &[u8], is_open_metrics: bool) -> Self {
        let page = str::from_utf8(page).expect("UTF-8");
        assert!(page.ends_with('\n'), "{page:?}");
        let mut lines: Vec<_> = page.split_terminator('\n').collect();
        if is_open_metrics {
            assert_eq!(lines.pop(), Some(END));
        }
        let mut text = Self::default();
        for line in lines {
            assert!(
                !line.contains('\r') || line.contains('"') || line.starts_with('#'),
                "{line:?}"
            );
            match line.strip_prefix("# ") {
                Some(comment) => text.comment(comment, is_open_metrics),
                None => text.sample(line),
            }
        }
        text
    }

    fn comment(&mut self, comment: &str, is_open_metrics: bool) {
        let mut words = comment.splitn(3, ' ');
        let [keyword, name, rest] = [(); 3].map(|()| words.next().unwrap_or_default());
        assert!(["HELP", "TYPE", "UNIT"].contains(&keyword), "{comment:?}");
        assert!(is_name(name, ":"), "{comment:?}");
        let is_new = self.said.insert((keyword.to_owned(), name.to_owned()));
        assert!(is_new, "said twice: {comment:?}");
        if keyword == "HELP" {
            let escapes: &[char] = if is_open_metrics {
                &['\\', 'n', '"']
            } else {
                &['\\', 'n']
            };
            unescaped(rest, escapes);
        } else {
            assert!(is_name(rest, ""), "{comment:?}");
        }
    }

    fn sample(&mut self, line: &str) {
        let end = line.find(['{', ' ']).expect("a value behind a name");
        let (name, rest) = line.split_at(end);
        assert!(is_name(name, ":"), "{line:?}");
        let rest = match rest.strip_prefix('{') {
            Some(labels) => after_labels(labels),
            None => rest,
        };
        let value = rest.strip_prefix(' ').expect("a blank before the value");
        let value: f64 = value
            .parse()
            .unwrap_or_else(|_| panic!("no number: {line:?}"));
        let series = line.rsplit_once(' ').expect("a blank").0;
        assert!(
            self.samples.insert(series.to_owned(), value).is_none(),
            "twice: {line:?}"
        );
    }

    /// How many events it counts.
    fn counted(&self) -> f64 {
        let is_count = |series: &str| series.starts_with("eunomia_events_total{");
        self.samples
            .iter()
            .filter(|(series, _)| is_count(series))
            .map(|(_, value)| value)
            .sum()
    }
}

/// What stands behind the labels that `rest` begins with.
fn after_labels(mut rest: &str) -> &str {
    let mut names = BTreeSet::new();
    loop {
        let (name, value) = rest.split_once("=\"").expect("a label");
        assert!(is_name(name, ""), "{name:?}");
        assert!(names.insert(name), "{name} is there twice");
        let end = closing_quote(value);
        unescaped(&value[..end], &['\\', 'n', '"']);
        let (next, behind) = value[end + 1..].split_at(1);
        if next == "}" {
            return behind;
        }
        assert_eq!(next, ",");
        rest = behind;
    }
}

fn closing_quote(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !is_escaped => return at,
            _ => is_escaped = c == '\\' && !is_escaped,
        }
    }
    panic!("no quote ends {text:?}")
}

/// Every backslash begins an escape that there is.
fn unescaped(text: &str, escapes: &[char]) {
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        let escaped = (c == '\\').then(|| characters.next());
        let is_known = |escaped: Option<char>| escaped.is_some_and(|c| escapes.contains(&c));
        assert!(escaped.is_none_or(is_known), "{text:?}");
    }
}

fn is_name(text: &str, besides: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_' || besides.contains(c);
    text.starts_with(is_letter) && text.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}
