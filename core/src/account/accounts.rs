//! Everything that keeps accounts.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::line::Account;
use crate::metric::{MetricKind, Point, PointValue};

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
    /// What else they counted, all of one series together.
    counted: Vec<Point>,
}

impl Book {
    fn close(&mut self, account: Account) {
        if !self.closed.iter_mut().any(|known| known.absorb(&account)) {
            self.closed.push(account);
        }
    }

    /// Keeps a counter; what is measured of a component ends with it.
    fn keep(&mut self, point: Point) {
        let PointValue::Uint(more) = point.value else {
            return;
        };
        if point.metric.kind != MetricKind::Counter {
            return;
        }
        let is_it = |known: &&mut Point| {
            known.metric.name == point.metric.name && known.attributes == point.attributes
        };
        match self.counted.iter_mut().find(is_it) {
            Some(Point {
                value: PointValue::Uint(count),
                ..
            }) => *count += more,
            Some(_) | None => self.counted.push(point),
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
            let (last, points) = (component.accounts(), component.points());
            last.into_iter().for_each(|account| book.close(account));
            points.into_iter().for_each(|point| book.keep(point));
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
        let (mut points, components) = {
            let book = self.lock();
            (book.counted.clone(), book.components.clone())
        };
        points.extend(components.iter().flat_map(|one| one.points()));
        points
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Account, Accountable, Accounts};
    use crate::metric::{Point, PointValue};
    use crate::own::{CONFIG_RELOADS, PROCESS_MEMORY};
    use crate::time::WallNanos;

    struct Told(u64);

    impl Accountable for Told {
        fn accounts(&self) -> Vec<Account> {
            Vec::new()
        }

        fn points(&self) -> Vec<Point> {
            [CONFIG_RELOADS, PROCESS_MEMORY]
                .map(|metric| metric.point(&[], WallNanos(1), PointValue::Uint(self.0)))
                .into()
        }
    }

    /// Of components that are gone, what they counted stays, and what was measured of them goes.
    #[test]
    fn counters_outlive_their_component() {
        let accounts = Accounts::default();
        let held = Arc::new(Told(1));
        accounts.register(Arc::<Told>::clone(&held));
        accounts.register(Arc::new(Told(10)));
        accounts.register(Arc::new(Told(100)));
        accounts.close_ended();
        let points = accounts.points();
        let sum = |name: &str| {
            let of_name = points
                .iter()
                .filter(|point| point.metric.name.name() == name);
            let values = of_name.map(|point| match point.value {
                PointValue::Uint(value) => value,
                PointValue::Int(_) | PointValue::Float(_) | PointValue::Histogram(_) => 0,
            });
            values.sum::<u64>()
        };
        assert_eq!(
            (sum(CONFIG_RELOADS.name), sum(PROCESS_MEMORY.name)),
            (111, 1)
        );
        assert_eq!(points.len(), 3);
        drop(held);
    }
}
