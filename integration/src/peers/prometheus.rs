//! A Prometheus that scrapes one page, and its tool that judges pages.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::http::{escape, get};
use super::series::{Series, series};
use super::server::{LIMIT, Server, program};
use crate::{Error, Result, Scratch, free_port, until};

/// A running Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    _server: Server,
    port: u16,
}

impl Prometheus {
    /// Starts the distribution's, scraping `http://127.0.0.1:PORT/metrics` each second, and waits
    /// for the first scrape that succeeded.
    ///
    /// # Errors
    /// It was not fetched, does not start, or cannot read the page.
    pub fn scraping(scraped: u16) -> Result<Self> {
        let prometheus = Self::start(&scrape(scraped))?;
        prometheus.wait_for_scrape()?;
        Ok(prometheus)
    }

    fn start(configuration: &str) -> Result<Self> {
        let folder = Scratch::new("prometheus")?;
        let port = free_port()?;
        let configuration = folder.write("prometheus.yaml", configuration)?;
        let mut command = Command::new(program("prometheus/usr/bin/prometheus")?);
        command
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let mut server = Server::start("prometheus", command, folder)?;
        server.wait_for(port, "/-/ready")?;
        Ok(Self {
            _server: server,
            port,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers a query with the values of its series: their labels, and the number as text.
    ///
    /// # Errors
    /// It refuses the query.
    pub fn query(&self, query: &str) -> Result<Vec<(Value, String)>> {
        let answer = get(self.port, &format!("/api/v1/query?query={}", escape(query)))?;
        let answer: Value = serde_json::from_str(&answer).map_err(|source| Error::Json {
            line: answer,
            source,
        })?;
        let series = answer.pointer("/data/result").and_then(Value::as_array);
        let each = series.into_iter().flatten().filter_map(|series| {
            let value = series.pointer("/value/1")?.as_str()?.to_owned();
            Some((series.get("metric")?.clone(), value))
        });
        Ok(each.collect())
    }

    /// Answers a query with numbers by name and labels, without those of the target. What is no
    /// number is left out, such as the sum of a histogram whose sum nobody kept.
    ///
    /// # Errors
    /// It refuses the query.
    pub fn series(&self, query: &str) -> Result<Series> {
        let found = self.query(query)?.into_iter();
        let mut found: Series = found
            .map(|(labels, value)| series(&labels, &value))
            .collect();
        found.retain(|_, value| !value.is_nan());
        Ok(found)
    }

    fn wait_for_scrape(&self) -> Result<()> {
        let scraped = until("Prometheus has scraped the page", LIMIT, || {
            let up = self.query("up == 1")?;
            Ok((!up.is_empty()).then_some(()))
        });
        scraped.map_err(|error| {
            let targets = get(self.port, "/api/v1/targets").unwrap_or_default();
            Error::program("prometheus", format!("{error}: {targets}"))
        })
    }
}

/// The configuration that has `http://127.0.0.1:PORT/metrics` read each second.
fn scrape(page: u16) -> String {
    format!(
        "global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\n\
         scrape_configs:\n\
         - job_name: eunomia\n  \
           static_configs: [{{ targets: [\"127.0.0.1:{page}\"] }}]\n"
    )
}

/// What `promtool check metrics` finds wrong with a page; empty when it is content.
///
/// # Errors
/// promtool was not fetched.
pub fn check_metrics(page: &str) -> Result<String> {
    let mut child = Command::new(program("prometheus/usr/bin/promtool")?)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Error::io("start", "promtool"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin
            .write_all(page.as_bytes())
            .map_err(Error::io("write to", "promtool"))?;
    }
    let output = child
        .wait_with_output()
        .map_err(Error::io("wait for", "promtool"))?;
    if output.status.success() {
        return Ok(String::new());
    }
    let said = [output.stdout, output.stderr].concat();
    Ok(format!(
        "{}: {}",
        output.status,
        String::from_utf8_lossy(&said)
    ))
}
