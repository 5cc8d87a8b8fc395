//! A page as another program reads it: `OpenMetrics` by Prometheus's library for Python.

use std::path::Path;
use std::process::Command;

use super::http::json_lines;
use super::series::{Series, series};
use super::server::program;
use crate::{Error, Result};

/// The numbers of `http://127.0.0.1:PORT/metrics` by name and labels.
///
/// # Errors
/// Python was not fetched, or finds something wrong with the page.
pub fn open_metrics(port: u16) -> Result<Series> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/openmetrics/page.py");
    let output = Command::new(program("otlp_sink/bin/python")?)
        .arg(script)
        .arg(format!("http://127.0.0.1:{port}/metrics"))
        .output()
        .map_err(Error::io("start", "python"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(Error::program("python", complaint));
    }
    let samples = json_lines(&String::from_utf8_lossy(&output.stdout))?;
    let sample = |one: &serde_json::Value| {
        let value = one["value"].as_str().unwrap_or_default();
        series(&one["metric"], value)
    };
    Ok(samples.iter().map(sample).collect())
}
