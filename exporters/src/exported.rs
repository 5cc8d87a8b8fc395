//! What an exporter with a peer did with what it was given, by its own account.

use std::sync::Arc;

use eunomia_core::account::{Account, ExporterAccount};
use eunomia_core::build::{BuildContext, BuildExporter};
use eunomia_core::queue::queue;
use eunomia_core::signal::{Carries, Signal};

use crate::support;

/// Sends `signals` until all is settled and shows the account.
pub(crate) async fn export(
    config: impl BuildExporter + 'static,
    signals: Vec<Signal>,
) -> ExporterAccount {
    let context = BuildContext {
        id: "tested".into(),
        ..support::context()
    };
    let (writer, reader, account) = queue("tested", config.queue(), Carries::ALL);
    let mut exporter = Box::new(config).build(&context).unwrap();
    exporter.start().await.unwrap();
    for signal in signals {
        writer.push(&Arc::new(signal)).await;
    }
    drop(writer);
    exporter.run(reader).await.unwrap();
    let Account::Exporter(account) = account.accounts().remove(0) else {
        panic!("not an exporter's account");
    };
    assert_eq!(
        account.accepted,
        account.delivered + account.dropped + account.queued
    );
    account
}

/// Eight events.
pub(crate) fn events() -> Signal {
    Signal::Events(support::sample())
}

/// What became of them: delivered, and dropped by reason.
pub(crate) fn outcome(account: &ExporterAccount) -> (u64, Vec<(&str, u64)>) {
    let dropped = account.dropped_by.iter();
    (
        account.delivered,
        dropped.map(|(reason, count)| (&**reason, *count)).collect(),
    )
}
