//! An `InfluxDB` 2 with one organisation, one bucket and a token that may do everything.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::process::Command;

use influxdb2::api::query::FluxRecord;
use influxdb2::models::Query;
use influxdb2::{Client, ClientBuilder};
use serde_json::{Map, Value, json};
use tokio::runtime::{Builder, Runtime};

use super::http::{exchange, post};
use super::server::{Server, program};
use crate::{Error, Event, Result, Scratch, free_port};

/// Columns of an answer that are neither tags nor fields.
const COLUMNS: [&str; 8] = [
    "result",
    "table",
    "_start",
    "_stop",
    "_time",
    "_field",
    "_value",
    "_measurement",
];

/// A running server, asked through the crate `influxdb2`.
#[derive(Debug)]
pub struct InfluxDb {
    _server: Server,
    port: u16,
    client: Client,
    runtime: Runtime,
    /// What it said when it was set up.
    setup: Value,
}

impl InfluxDb {
    /// Its organisation.
    pub const ORG: &str = "o";
    /// Its bucket.
    pub const BUCKET: &str = "b";
    /// What opens it.
    pub const TOKEN: &str = "t0ken";

    /// Starts it and sets it up.
    ///
    /// # Errors
    /// It was not built, or does not start.
    pub fn start() -> Result<Self> {
        Self::with_arguments(&[])
    }

    /// As [`Self::start`], with further arguments for the server.
    ///
    /// # Errors
    /// It was not built, or does not start.
    pub fn with_arguments(arguments: &[&str]) -> Result<Self> {
        let folder = Scratch::new("influxdb")?;
        let port = free_port()?;
        let mut command = Command::new(program("influxdb/influxd")?);
        command
            .args(["--reporting-disabled", "--http-bind-address"])
            .arg(format!("127.0.0.1:{port}"))
            .args(arguments);
        for path in ["bolt", "engine", "sqlite"] {
            command
                .arg(format!("--{path}-path"))
                .arg(folder.path().join(path));
        }
        let mut server = Server::start("influxdb", command, folder)?;
        server.wait_for(port, "/ping")?;
        let setup = json!({ "username": "u", "password": "password1",
            "org": Self::ORG, "bucket": Self::BUCKET, "token": Self::TOKEN });
        let setup = parsed(post(port, "/api/v2/setup", &setup.to_string())?)?;
        let url = format!("http://127.0.0.1:{port}");
        let client = ClientBuilder::new(url, Self::ORG, Self::TOKEN).build();
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Self {
            _server: server,
            port,
            client: client.map_err(failed)?,
            runtime: runtime.map_err(failed)?,
            setup,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Writes lines with times in nanoseconds.
    ///
    /// # Errors
    /// It refuses one of them, and says why.
    pub fn write(&self, lines: &str) -> Result<()> {
        let (org, bucket) = (Self::ORG, Self::BUCKET);
        let path = format!("/api/v2/write?org={org}&bucket={bucket}&precision=ns");
        self.send(&path, lines).map(drop)
    }

    /// Deletes all points of a measurement.
    ///
    /// # Errors
    /// It does not.
    pub fn delete(&self, measurement: &str) -> Result<()> {
        let (org, bucket) = (Self::ORG, Self::BUCKET);
        let body = json!({ "start": "1970-01-01T00:00:00Z", "stop": "2100-01-01T00:00:00Z",
            "predicate": format!("_measurement=\"{measurement}\"") });
        let path = format!("/api/v2/delete?org={org}&bucket={bucket}");
        self.send(&path, &body.to_string()).map(drop)
    }

    /// A token that may read and not write.
    ///
    /// # Errors
    /// It makes none.
    pub fn reading_token(&self) -> Result<String> {
        let (org, bucket) = (&self.setup["org"]["id"], &self.setup["bucket"]["id"]);
        let body = json!({ "orgID": org, "permissions": [{ "action": "read",
            "resource": { "type": "buckets", "id": bucket, "orgID": org } }] });
        let made = parsed(self.send("/api/v2/authorizations", &body.to_string())?)?;
        Ok(made["token"].as_str().unwrap_or_default().to_owned())
    }

    /// The rows that a query in Flux finds.
    ///
    /// # Errors
    /// It refuses the query.
    pub fn query(&self, flux: &str) -> Result<Vec<Map<String, Value>>> {
        let asked = self.client.query_raw(Some(Query::new(flux.to_owned())));
        let records = self.runtime.block_on(asked).map_err(failed)?;
        let row = |record: FluxRecord| {
            // The crate does not export the type of its values.
            let values = record.values.into_iter().map(|(name, value)| {
                let plain = value.bool().map(Value::from);
                let plain = plain.or_else(|| value.i64().map(Value::from));
                let plain = plain.or_else(|| value.u64().map(Value::from));
                let plain = plain.or_else(|| value.f64().map(Value::from));
                // In its CSV the server ends the lines of a value by both.
                let text = || value.string().map(|text| text.replace("\r\n", "\n"));
                let plain = plain.or_else(|| text().map(Value::from));
                (name, plain.unwrap_or_else(|| time(&format!("{value:?}"))))
            });
            values.collect()
        };
        Ok(records.into_iter().map(row).collect())
    }

    /// Every point of a bucket: its tags and fields under their names, `time` as in the NDJSON, and
    /// `measurement`.
    ///
    /// # Errors
    /// It refuses to tell.
    pub fn points(&self, bucket: &str) -> Result<Vec<Event>> {
        let all = format!(
            "from(bucket: \"{bucket}\") |> range(start: 1970-01-01T00:00:00Z, stop: 2100-01-01T00:00:00Z)"
        );
        let mut points = BTreeMap::<String, Map<String, Value>>::new();
        for mut row in self.query(&all)? {
            let (field, value) = (row.remove("_field"), row.remove("_value"));
            for (name, column) in [("time", "_time"), ("measurement", "_measurement")] {
                let value = row.remove(column).unwrap_or_default();
                row.insert(name.to_owned(), value);
            }
            row.retain(|name, _| !COLUMNS.contains(&name.as_str()));
            let point = points.entry(format!("{row:?}")).or_insert(row);
            if let (Some(Value::String(field)), Some(value)) = (field, value) {
                point.insert(field, value);
            }
        }
        Ok(points.into_values().map(Event).collect())
    }

    fn send(&self, path: &str, body: &str) -> Result<String> {
        let (token, length) = (Self::TOKEN, body.len());
        let request = format!(
            "POST {path} HTTP/1.0\r\nAuthorization: Token {token}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        exchange(self.port, &request)
    }
}

fn failed(error: impl Display) -> Error {
    Error::program("influxdb", error.to_string())
}

/// An answer in JSON.
pub(super) fn parsed(answer: String) -> Result<Value> {
    serde_json::from_str(&answer).map_err(|source| Error::Json {
        line: answer,
        source,
    })
}

/// `TimeRFC(2026-11-22T08:00:00.123+00:00)` as the NDJSON has it.
fn time(shown: &str) -> Value {
    let inner = shown.trim_start_matches("TimeRFC(").trim_end_matches(')');
    let moment = inner.trim_end_matches("+00:00");
    let (seconds, fraction) = moment.split_once('.').unwrap_or((moment, ""));
    format!("{seconds}.{fraction:0<9}Z").into()
}
