//! CSV as another program reads it: Python's own reader.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::http::json_lines;
use super::server::program;
use crate::{Error, Result};

/// Every row of the CSV files of a folder, an object of texts without the cells that are empty.
///
/// # Errors
/// Python was not fetched, or cannot read a file.
pub fn csv_rows(folder: &Path) -> Result<Vec<Value>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/csv/rows.py");
    let mut command = Command::new(program("otlp_sink/bin/python")?);
    command.arg(script);
    for entry in fs::read_dir(folder).map_err(Error::io("list", folder))? {
        command.arg(entry.map_err(Error::io("list", folder))?.path());
    }
    let output = command.output().map_err(Error::io("start", "python"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(Error::program("python", complaint));
    }
    json_lines(&String::from_utf8_lossy(&output.stdout))
}
