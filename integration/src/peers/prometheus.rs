//! A Prometheus that scrapes one page or is written to, and its tool that judges pages.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::http::{escape, get};
use super::series::{Series, series};
use super::server::{Server, program};
use crate::{Error, Result, Scratch, free_port, until};

/// Which Prometheus it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// The distribution's, which knows remote write 1.
    Distribution,
    /// One that was built, which knows remote write 2 as well.
    Three,
}

impl Release {
    /// Where its program is.
    fn program(self) -> &'static str {
        match self {
            Self::Distribution => "prometheus/usr/bin/prometheus",
            Self::Three => "prometheus3/prometheus",
        }
    }
}

/// Turns native histograms on; a newer one has them on and passes over it.
const NATIVE: &str = "--enable-feature=native-histograms";

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
        let prometheus = Self::start(Release::Distribution, &scrape(scraped), &[])?;
        prometheus.wait_for_scrape()?;
        Ok(prometheus)
    }

    /// The same with native histograms, which it asks for in protobuf.
    ///
    /// # Errors
    /// As of [`Self::scraping`].
    pub fn scraping_native(release: Release, scraped: u16) -> Result<Self> {
        let mut configuration = scrape(scraped);
        if release == Release::Three {
            configuration += "  scrape_native_histograms: true\n";
        }
        let prometheus = Self::start(release, &configuration, &[NATIVE])?;
        prometheus.wait_for_scrape()?;
        Ok(prometheus)
    }

    /// Starts one that scrapes nobody and takes what it is sent.
    ///
    /// # Errors
    /// It was not fetched or built, or does not start.
    pub fn receiving(release: Release) -> Result<Self> {
        Self::start(
            release,
            "{}\n",
            &["--web.enable-remote-write-receiver", NATIVE],
        )
    }

    fn start(release: Release, configuration: &str, arguments: &[&str]) -> Result<Self> {
        let folder = Scratch::new("prometheus")?;
        let port = free_port()?;
        let configuration = folder.write("prometheus.yaml", configuration)?;
        let mut command = Command::new(program(release.program())?);
        command
            .args(arguments)
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

    /// Where it is written to.
    #[must_use]
    pub fn remote_write(&self) -> String {
        format!("http://127.0.0.1:{}/api/v1/write", self.port)
    }

    /// Answers a query with the values of its series: their labels, and the number as text.
    ///
    /// # Errors
    /// It refuses the query.
    pub fn query(&self, query: &str) -> Result<Vec<(Value, String)>> {
        let found = self.found(query)?;
        let each = found.into_iter().filter_map(|series| {
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

    /// Answers a query with the native histograms of its series, each as JSON.
    ///
    /// # Errors
    /// It refuses the query.
    pub fn histograms(&self, query: &str) -> Result<Vec<Value>> {
        let found = self.found(query)?.into_iter();
        let histogram = |series: Value| series.pointer("/histogram/1").cloned();
        Ok(found.filter_map(histogram).collect())
    }

    fn found(&self, query: &str) -> Result<Vec<Value>> {
        let answer = get(self.port, &format!("/api/v1/query?query={}", escape(query)))?;
        let answer: Value = serde_json::from_str(&answer).map_err(|source| Error::Json {
            line: answer,
            source,
        })?;
        let found = answer.pointer("/data/result").and_then(Value::as_array);
        Ok(found.cloned().unwrap_or_default())
    }

    fn wait_for_scrape(&self) -> Result<()> {
        let scraped = until("Prometheus has scraped the page", || {
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
