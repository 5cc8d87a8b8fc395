//! Everything that keeps accounts.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::line::Account;
use crate::metric::Point;

/// Something that keeps accounts.
pub trait Accountable: Send + Sync {
    /// The accounts as they stand.
    fn accounts(&self) -> Vec<Account>;

    /// Metric points about the component that no account has.
    fn points(&self) -> Vec<Point> {
        Vec::new()
    }
}

/// Everything that keeps accounts, for whoever shows them.
#[derive(Clone, Default)]
pub struct Accounts(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    components: Vec<Arc<dyn Accountable>>,
    /// Of components that are gone, all of one name together.
    closed: Vec<Account>,
}

impl Book {
    fn close(&mut self, account: Account) {
        if !self.closed.iter_mut().any(|known| known.absorb(&account)) {
            self.closed.push(account);
        }
    }
}

impl Accounts {
    /// Adds a component.
    pub fn register(&self, component: Arc<dyn Accountable>) {
        self.lock().components.push(component);
    }

    /// Closes the accounts of components that nobody else holds any more: what
    /// they counted stays, under their names.
    pub fn close_ended(&self) {
        let mut book = self.lock();
        let is_gone = |component: &Arc<dyn Accountable>| Arc::strong_count(component) == 1;
        let (gone, open): (Vec<_>, _) = book.components.drain(..).partition(is_gone);
        book.components = open;
        for component in gone {
            let last = component.accounts();
            if last.is_empty() {
                // It tells of something else.
                book.components.push(component);
            }
            last.into_iter().for_each(|account| book.close(account));
        }
    }

    /// The accounts of all components as they stand, in the order of the data.
    #[must_use]
    pub fn read(&self) -> Vec<Account> {
        let (mut accounts, components) = {
            let book = self.lock();
            (book.closed.clone(), book.components.clone())
        };
        // Outside the lock, so that no component is asked under it.
        accounts.extend(components.iter().flat_map(|one| one.accounts()));
        accounts.sort_by_key(|account| match account {
            Account::Probe(_) => 0,
            Account::Processor(_) => 1,
            Account::Exporter(_) => 2,
        });
        accounts
    }

    /// Further metric points of all components.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        let components = self.lock().components.clone();
        components.iter().flat_map(|one| one.points()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.read()).finish()
    }
}
