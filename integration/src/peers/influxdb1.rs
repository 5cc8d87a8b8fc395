//! An `InfluxDB` 1 with one database.

use std::process::Command;

use serde_json::{Map, Value};

use super::http::{escape, get, post};
use super::influxdb::parsed;
use super::server::{Server, program};
use crate::{Event, Result, Scratch, free_port};

/// A running server.
#[derive(Debug)]
pub struct InfluxDb1 {
    _server: Server,
    port: u16,
}

impl InfluxDb1 {
    /// Its database.
    pub const DATABASE: &str = "d";

    /// Starts it and makes the database.
    ///
    /// # Errors
    /// It was not fetched, or does not start.
    pub fn start() -> Result<Self> {
        let folder = Scratch::new("influxdb1")?;
        let [port, backup] = [free_port()?, free_port()?];
        let file = |name: &str| folder.path().join(name).display().to_string();
        let configuration = format!(
            "reporting-disabled = true\nbind-address = \"127.0.0.1:{backup}\"\n\
             [meta]\ndir = \"{}\"\n[data]\ndir = \"{}\"\nwal-dir = \"{}\"\n\
             [http]\nbind-address = \"127.0.0.1:{port}\"\n[monitor]\nstore-enabled = false\n",
            file("meta"),
            file("data"),
            file("wal")
        );
        let configuration = folder.write("influxdb.conf", configuration)?;
        let mut command = Command::new(program("influxdb1/usr/bin/influxd")?);
        command.arg("run").arg("-config").arg(configuration);
        let mut server = Server::start("influxdb1", command, folder)?;
        server.wait_for(port, "/ping")?;
        let make = escape(&format!("CREATE DATABASE {}", Self::DATABASE));
        post(port, &format!("/query?q={make}"), "")?;
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
    /// It refuses one of them, and says why.
    pub fn write(&self, lines: &str) -> Result<()> {
        post(self.port, &format!("/write?db={}", Self::DATABASE), lines).map(drop)
    }

    /// Every point of the database, as [`super::InfluxDb::points`] has them, with `time` in
    /// nanoseconds.
    ///
    /// # Errors
    /// It refuses to tell.
    pub fn points(&self) -> Result<Vec<Event>> {
        let query = escape("SELECT * FROM /.*/");
        let path = format!("/query?db={}&epoch=ns&q={query}", Self::DATABASE);
        let answer = parsed(get(self.port, &path)?)?;
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let mut points = Vec::new();
        for series in list(&answer["results"][0]["series"]) {
            let columns = list(&series["columns"]);
            for values in list(&series["values"]) {
                let named = columns.iter().zip(list(&values));
                let named = named.filter(|(_, value)| !value.is_null());
                let mut point: Map<_, _> = named
                    .filter_map(|(name, value)| Some((name.as_str()?.to_owned(), value)))
                    .collect();
                point.insert("measurement".to_owned(), series["name"].clone());
                points.push(Event(point));
            }
        }
        Ok(points)
    }
}
