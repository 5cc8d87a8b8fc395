//! An `InfluxDB` 2 with one organisation, one bucket and a token that may do everything.

use std::process::Command;

use serde_json::{Map, Value, json};

use super::http::{escape, exchange, post};
use super::server::{Server, program};
use crate::{Error, Result, Scratch, free_port};

/// A running server.
#[derive(Debug)]
pub struct InfluxDb {
    _server: Server,
    port: u16,
}

impl InfluxDb {
    /// Its organisation.
    pub const ORG: &str = "tests";
    /// Its bucket.
    pub const BUCKET: &str = "events";
    /// What opens it.
    pub const TOKEN: &str = "a-token-of-the-tests";

    /// Starts it and sets it up.
    ///
    /// # Errors
    /// It was not built, or does not start.
    pub fn start() -> Result<Self> {
        let folder = Scratch::new("influxdb")?;
        let port = free_port()?;
        let mut command = Command::new(program("influxdb/influxd")?);
        command
            .args(["--reporting-disabled", "--http-bind-address"])
            .arg(format!("127.0.0.1:{port}"));
        for path in ["bolt", "engine", "sqlite"] {
            command
                .arg(format!("--{path}-path"))
                .arg(folder.path().join(path));
        }
        let mut server = Server::start("influxdb", command, folder)?;
        server.wait_for(port, "/ping")?;
        let setup = json!({ "username": "tests", "password": "of no importance",
            "org": Self::ORG, "bucket": Self::BUCKET, "token": Self::TOKEN });
        post(port, "/api/v2/setup", &setup.to_string())?;
        Ok(Self {
            _server: server,
            port,
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
    /// It refuses one of them.
    pub fn write(&self, lines: &str) -> Result<()> {
        let (org, bucket, token) = (Self::ORG, Self::BUCKET, Self::TOKEN);
        let request = format!(
            "POST /api/v2/write?org={org}&bucket={bucket}&precision=ns HTTP/1.0\r\n\
             Authorization: Token {token}\r\nContent-Length: {}\r\n\r\n{lines}",
            lines.len()
        );
        exchange(self.port, &request).map(drop)
    }

    /// The rows that a statement of `InfluxQL` selects from the bucket: their columns that have a
    /// value, and their measurement as `measurement`. Times are in nanoseconds.
    ///
    /// # Errors
    /// It refuses the statement.
    pub fn rows(&self, statement: &str) -> Result<Vec<Map<String, Value>>> {
        let (bucket, token) = (Self::BUCKET, Self::TOKEN);
        let statement = escape(statement);
        let request = format!(
            "GET /query?db={bucket}&epoch=ns&q={statement} HTTP/1.0\r\n\
             Authorization: Token {token}\r\n\r\n"
        );
        let answer = exchange(self.port, &request)?;
        let answer: Value = serde_json::from_str(&answer).map_err(|source| Error::Json {
            line: answer,
            source,
        })?;
        let list = |of: &Value, name: &str| of[name].as_array().cloned().unwrap_or_default();
        let mut rows = Vec::new();
        for series in list(&answer["results"][0], "series") {
            let columns = list(&series, "columns");
            for values in list(&series, "values") {
                let values = values.as_array().into_iter().flatten();
                let named = columns
                    .iter()
                    .zip(values)
                    .filter(|(_, value)| !value.is_null());
                let named = named
                    .filter_map(|(name, value)| Some((name.as_str()?.to_owned(), value.clone())));
                let mut row: Map<_, _> = named.collect();
                row.insert("measurement".to_owned(), series["name"].clone());
                rows.push(row);
            }
        }
        Ok(rows)
    }
}
