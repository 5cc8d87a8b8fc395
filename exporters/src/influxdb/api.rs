//! Where each version of InfluxDB is written to, and how.

use eunomia_core::config::Secret;

use super::config::{Api, InfluxdbConfig, Precision};

/// The path below the endpoint and the query that a write goes to.
pub(super) fn write_path(config: &InfluxdbConfig) -> String {
    let precision = unit(config.api, config.precision);
    match config.api {
        Api::V1 => {
            let (database, policy) = match config.bucket.split_once('/') {
                Some((database, policy)) => (database, Some(policy)),
                None => (&*config.bucket, None),
            };
            let policy = policy.map(|policy| ("rp", policy));
            let pairs = [("db", database), ("precision", precision)];
            path("/write", pairs.into_iter().chain(policy))
        }
        Api::V2 => {
            let bucket = ("bucket", &*config.bucket);
            let pairs = [("org", &*config.org), bucket, ("precision", precision)];
            path("/api/v2/write", pairs.into_iter())
        }
        Api::V3 => {
            let pairs = [("db", &*config.bucket), ("precision", precision)];
            path("/api/v3/write_lp", pairs.into_iter())
        }
    }
}

/// The `authorization` header that a token makes.
pub(super) fn authorization(api: Api, token: &Secret) -> Secret {
    let scheme = match api {
        Api::V1 | Api::V2 => "Token",
        Api::V3 => "Bearer",
    };
    Secret::new(format!("{scheme} {}", token.reveal()))
}

fn unit(api: Api, precision: Precision) -> &'static str {
    match (api, precision) {
        (Api::V1, Precision::Ns) => "n",
        (Api::V1, Precision::Us) => "u",
        (Api::V2, Precision::Ns) => "ns",
        (Api::V2, Precision::Us) => "us",
        (Api::V1 | Api::V2, Precision::Ms) => "ms",
        (Api::V1 | Api::V2, Precision::S) => "s",
        (Api::V3, Precision::Ns) => "nanosecond",
        (Api::V3, Precision::Us) => "microsecond",
        (Api::V3, Precision::Ms) => "millisecond",
        (Api::V3, Precision::S) => "second",
    }
}

fn path<'a>(path: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut whole = path.to_owned();
    for (separator, (name, value)) in ["?"].into_iter().chain(std::iter::repeat("&")).zip(pairs) {
        whole.push_str(separator);
        whole.push_str(name);
        whole.push('=');
        push_escaped(value, &mut whole);
    }
    whole
}

/// Appends `value` as it stands in a query.
fn push_escaped(value: &str, out: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}
