//! The exporters of Eunomia: each takes the same batches out of the program in
//! a form of its own.
//!
//! An exporter is a folder: `config` (what is written in YAML), `encode` (batch
//! to bytes, pure) and `client` (the bytes to where they go). None of them knows
//! an event or an attribute by its name.

mod alike;
mod compress;
mod console;
mod csv;
mod describe;
mod influxdb;
mod json;
mod json_string;
mod memo;
mod names;
mod net;
mod number;
mod otlp;
mod prometheus;
mod protobuf;
mod record;
mod repeat;
mod resource;
mod shipping;
mod sink;
mod special;
mod throttle;

#[cfg(test)]
mod crowd;
#[cfg(test)]
mod exported;
#[cfg(test)]
mod front;
#[cfg(test)]
mod scratch;
#[cfg(test)]
mod settings_tests;

#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;

use eunomia_core::build::BuildExporter;
use eunomia_core::config::Factory;

pub use self::csv::{CsvConfig, CsvEncoder};
pub use compress::Compression;
pub use console::{ConsoleConfig, ConsoleEncoder, Style as ConsoleStyle};
pub use influxdb::{Api, InfluxdbConfig, Precision, Schema, Unsigned};
pub use influxdb::{LineEncoder, LinePushed, LineRequest, LineSettings};
pub use json::{JsonConfig, JsonEncoder, JsonFormat};
pub use net::{BasicAuth, Peer, PeerSettings, RetrySettings};
pub use net::{TlsServerSettings, TlsSettings, TlsVersion};
pub use otlp::{Format, LogsEncoder, OtlpConfig, Protocol, Pushed, Request, encode_points};
pub use prometheus::{PrometheusConfig, PrometheusPage, ProtobufMessage, RemoteWriteSettings};
pub use prometheus::{RemoteWriteRequest, encode_remote_write};
pub use prometheus::{ResourceConstantLabels, TranslationStrategy};
pub use record::RecordConfig;
pub use resource::host_attributes;
pub use sink::{Fsync, Lines, Outlet, RotateSettings, Sheet};

/// All exporters by the names they have in a configuration.
pub const EXPORTERS: &[Factory<dyn BuildExporter>] = &[
    Factory::new::<ConsoleConfig>("console"),
    Factory::new::<CsvConfig>("csv"),
    Factory::new::<InfluxdbConfig>("influxdb"),
    Factory::new::<JsonConfig>("json"),
    Factory::new::<OtlpConfig>("otlp"),
    Factory::new::<PrometheusConfig>("prometheus"),
    Factory::new::<RecordConfig>("record"),
];
