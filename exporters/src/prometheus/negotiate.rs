//! Which format a scraper gets: the one that its `Accept` header likes best of
//! those that there are.

use std::str::FromStr as _;

use super::name::TranslationStrategy;
use super::text::Dialect;

/// A format with the way that odd names are treated in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Format {
    pub(super) kind: Kind,
    /// Whether names may have any character.
    pub(super) utf8: bool,
    /// Whether the scraper knows that there is something to choose.
    asked_escaping: bool,
}

/// A form that pages are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text with its version.
    Text(Version),
    OpenMetrics,
    Protobuf,
}

/// Versions of the text format: the later one knows quoted names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V0,
    V1,
}

impl Format {
    /// What every Prometheus reads.
    const DEFAULT: Self = Self {
        kind: Kind::Text(Version::V0),
        utf8: false,
        asked_escaping: false,
    };

    /// The best format for this `Accept` header; text where it wants what is not
    /// to be had: a page that is read all the same is better than none.
    pub(super) fn negotiated(accept: &str, strategy: TranslationStrategy) -> Self {
        let mut best = (0.0, Self::DEFAULT);
        for range in accept.split(',') {
            let (quality, format) = Self::of_range(range, strategy);
            if let Some(format) = format
                && quality > best.0
            {
                best = (quality, format);
            }
        }
        best.1
    }

    /// The format that one entry of the header asks for, and how much it is liked.
    fn of_range(range: &str, strategy: TranslationStrategy) -> (f32, Option<Self>) {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let parameters: Vec<_> = parts
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| (name.trim(), value.trim().trim_matches('"')))
            .collect();
        let parameter = |wanted: &str| {
            let found = parameters
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| *value)
        };
        let quality = parameter("q").map_or(1.0, |q| f32::from_str(q).unwrap_or(0.0));
        let kind = match (media_type.as_str(), parameter("version")) {
            ("text/plain", None | Some("0.0.4")) | ("text/*" | "*/*", _) => Kind::Text(Version::V0),
            ("text/plain", Some("1.0.0")) => Kind::Text(Version::V1),
            ("application/openmetrics-text", None | Some("1.0.0")) => Kind::OpenMetrics,
            ("application/vnd.google.protobuf", _)
                if parameter("proto") == Some("io.prometheus.client.MetricFamily")
                    && parameter("encoding") == Some("delimited") =>
            {
                Kind::Protobuf
            }
            _ => return (quality, None),
        };
        let escaping = parameter("escaping");
        let format = Self {
            kind,
            utf8: !strategy.escapes() && escaping == Some("allow-utf-8"),
            asked_escaping: escaping.is_some(),
        };
        (quality, Some(format))
    }

    /// The text format to write, where it is one.
    pub(super) fn dialect(self) -> Option<Dialect> {
        match self.kind {
            Kind::Text(_) => Some(Dialect::Prometheus),
            Kind::OpenMetrics => Some(Dialect::OpenMetrics),
            Kind::Protobuf => None,
        }
    }

    /// The `Content-Type` of a page in this format.
    pub(super) fn content_type(self) -> String {
        let base = match self.kind {
            Kind::Text(Version::V0) => "text/plain; version=0.0.4; charset=utf-8",
            Kind::Text(Version::V1) => "text/plain; version=1.0.0; charset=utf-8",
            Kind::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Kind::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
                 encoding=delimited"
            }
        };
        let escaping = match (self.asked_escaping, self.utf8) {
            (false, _) => "",
            (true, false) => "; escaping=underscores",
            (true, true) => "; escaping=allow-utf-8",
        };
        format!("{base}{escaping}")
    }
}

#[cfg(test)]
mod tests {
    use super::Format;
    use crate::prometheus::name::TranslationStrategy;

    const PROTO: &str = "application/vnd.google.protobuf; \
        proto=io.prometheus.client.MetricFamily; encoding=delimited";
    const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    const TEXT_1: &str = "text/plain; version=1.0.0; charset=utf-8";
    /// What Prometheus 2.42 sends, with native histograms and without.
    const PROMETHEUS_2: &str = "application/openmetrics-text;version=1.0.0,\
        application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const PROMETHEUS_2_NATIVE: &str = "application/vnd.google.protobuf;\
        proto=io.prometheus.client.MetricFamily;encoding=delimited,\
        application/openmetrics-text;version=1.0.0;q=0.8,\
        application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    /// What Prometheus 3 sends.
    const PROMETHEUS_3: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
        application/openmetrics-text;version=0.0.1;q=0.5,\
        text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

    #[track_caller]
    fn is_answered(accept: &str, expected: &str) {
        let format = Format::negotiated(accept, TranslationStrategy::default());
        assert_eq!(format.content_type(), expected, "{accept}");
        assert!(!format.utf8);
    }

    /// The format of the highest quality that there is; the first of equal ones;
    /// text where nothing fits.
    #[test]
    fn the_best_format_is_chosen() {
        for (accept, expected) in [
            ("", TEXT),
            ("*/*", TEXT),
            ("text/html,application/xhtml+xml,*/*;q=0.8", TEXT),
            (
                "text/plain;version=0.0.4;q=0.5,application/openmetrics-text",
                OPEN,
            ),
            ("application/openmetrics-text;q=0.2, text/plain;q=0.3", TEXT),
            ("application/openmetrics-text;q=0, */*;q=0.1", TEXT),
            ("application/openmetrics-text;version=0.0.1", TEXT),
            ("Application/OpenMetrics-Text; Version=\"1.0.0\"", OPEN),
            ("text/plain;version=1.0.0", TEXT_1),
            ("application/vnd.google.protobuf", TEXT),
            ("application/json;q=oops", TEXT),
            (PROMETHEUS_2, OPEN),
            (PROMETHEUS_2_NATIVE, PROTO),
        ] {
            is_answered(accept, expected);
        }
        is_answered(PROMETHEUS_3, &format!("{OPEN}; escaping=underscores"));
    }

    /// Names stay as they are where both sides want it.
    #[test]
    fn odd_names_are_a_matter_of_both_sides() {
        for (strategy, accept, utf8) in [
            (TranslationStrategy::NoTranslation, PROMETHEUS_3, true),
            (
                TranslationStrategy::NoUTF8EscapingWithSuffixes,
                PROMETHEUS_3,
                true,
            ),
            (TranslationStrategy::NoTranslation, PROMETHEUS_2, false),
            (
                TranslationStrategy::NoTranslation,
                "text/plain;version=1.0.0;escaping=dots",
                false,
            ),
            (
                TranslationStrategy::UnderscoreEscapingWithSuffixes,
                PROMETHEUS_3,
                false,
            ),
        ] {
            let format = Format::negotiated(accept, strategy);
            assert_eq!(format.utf8, utf8, "{strategy:?} {accept}");
            assert_eq!(
                format.content_type().ends_with("escaping=allow-utf-8"),
                utf8
            );
        }
    }
}
