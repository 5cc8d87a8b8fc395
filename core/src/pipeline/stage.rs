//! One processor in its place, with its account.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::account::{Account, Accountable, ProcessorAccount};
use crate::component::{Emit, Processor};
use crate::signal::Signal;
use crate::time::WallNanos;

pub(super) struct Stage {
    processor: Box<dyn Processor>,
    emit: Emit,
    account: Arc<StageAccount>,
}

struct StageAccount(Mutex<ProcessorAccount>);

impl StageAccount {
    fn lock(&self) -> MutexGuard<'_, ProcessorAccount> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accountable for StageAccount {
    fn accounts(&self) -> Vec<Account> {
        vec![Account::Processor(self.lock().clone())]
    }
}

impl Stage {
    pub(super) fn new(id: &str, processor: Box<dyn Processor>) -> (Self, Arc<dyn Accountable>) {
        let account = ProcessorAccount {
            processor: id.into(),
            ..ProcessorAccount::default()
        };
        let account = Arc::new(StageAccount(Mutex::new(account)));
        let accountable: Arc<dyn Accountable> = Arc::<StageAccount>::clone(&account);
        (
            Self {
                processor,
                emit: Emit::default(),
                account,
            },
            accountable,
        )
    }

    pub(super) fn process(&mut self, signal: Signal) -> Vec<Signal> {
        let incoming = events(&signal);
        match signal {
            Signal::Events(batch) => self.processor.process(batch, &mut self.emit),
            Signal::Metrics(batch) => self.processor.process_metrics(batch, &mut self.emit),
        }
        self.settle(incoming)
    }

    pub(super) fn tick(&mut self, now: WallNanos) -> Vec<Signal> {
        self.processor.tick(now, &mut self.emit);
        self.settle(0)
    }

    pub(super) fn finish(&mut self) -> Vec<Signal> {
        self.processor.finish(&mut self.emit);
        self.settle(0)
    }

    /// Books what has happened in one step, so that the account adds up at any
    /// moment.
    fn settle(&mut self, incoming: u64) -> Vec<Signal> {
        let signals = self.emit.take();
        let mut account = self.account.lock();
        account.incoming += incoming;
        account.made += std::mem::take(&mut self.emit.made);
        account.outgoing += signals.iter().map(events).sum::<u64>();
        for (reason, count) in std::mem::take(&mut self.emit.dropped_by) {
            account.dropped += count;
            *account.dropped_by.entry(reason).or_default() += count;
        }
        account.held = self.processor.held() as u64;
        signals
    }
}

/// Processors count events; metric points pass beside the account.
fn events(signal: &Signal) -> u64 {
    match signal {
        Signal::Events(batch) => batch.len() as u64,
        Signal::Metrics(_) => 0,
    }
}
