//! The daemon's own log, and the account, on stderr.

use std::io::{self, Write as _};

use eunomia_core::account::{Account, Accounts};
use tracing_subscriber::filter::LevelFilter;

use crate::config::{LogFormat, LogLevel};

/// Starts logging. Called once, before anything else runs.
pub fn start(level: LogLevel, format: LogFormat) {
    let level = match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let is_terminal = io::IsTerminal::is_terminal(&io::stderr());
    let log = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(level)
        .with_target(false);
    match format {
        LogFormat::Text => log.with_ansi(is_terminal).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

/// Writes every account to stderr, one a line.
pub fn show_accounts(accounts: &Accounts, format: LogFormat) {
    let mut text = String::new();
    for account in accounts.read() {
        text.push_str(&line(&account, format));
        text.push('\n');
    }
    // Nobody can be told that stderr is closed.
    io::stderr().write_all(text.as_bytes()).unwrap_or_default();
}

fn line(account: &Account, format: LogFormat) -> String {
    match format {
        LogFormat::Text => account.to_string(),
        LogFormat::Json => serde_json::to_string(account).unwrap_or_default(),
    }
}
