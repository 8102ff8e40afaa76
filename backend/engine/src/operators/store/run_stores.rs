//! What the segments of one run leave for others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::Result;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_plan::ExecutionPlan;

use super::SharedStore;
use super::room::Budget;

/// The stores of one run, and the tables of its outputs as they will be. The planner of a run hands them to readers.
#[derive(Debug)]
pub(crate) struct RunStores {
    stores: Mutex<BTreeMap<String, Arc<SharedStore>>>,
    written: Mutex<BTreeMap<String, Arc<dyn TableProvider>>>,
    budget: Arc<Budget>,
}

impl RunStores {
    /// No stores; those to come may hold this many bytes in memory together, and what the session's pool allows.
    pub(crate) fn new(budget_bytes: Option<u64>) -> Self {
        let limit = budget_bytes.map_or(usize::MAX, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        Self { stores: Mutex::default(), written: Mutex::default(), budget: Arc::new(Budget::new(limit)) }
    }

    fn stores(&self) -> MutexGuard<'_, BTreeMap<String, Arc<SharedStore>>> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty store within the budget; see [`SharedStore::new`].
    ///
    /// # Errors
    /// As [`SharedStore::new`].
    pub(crate) fn create(
        &self,
        view: &str,
        schema: SchemaRef,
        plan: &dyn ExecutionPlan,
        runtime: &Arc<RuntimeEnv>,
    ) -> Result<Arc<SharedStore>> {
        SharedStore::new(view, schema, plan, runtime, Arc::clone(&self.budget))
    }

    /// The store of a view, once its segment has ended.
    pub(crate) fn get(&self, view: &str) -> Option<Arc<SharedStore>> {
        self.stores().get(view).cloned()
    }

    /// The table of an output as it will be, once all outputs are written.
    pub(crate) fn written(&self, table: &str) -> Option<Arc<dyn TableProvider>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).get(table).cloned()
    }

    /// Lets the table of an output be read.
    pub(crate) fn set_written(&self, table: &str, provider: Arc<dyn TableProvider>) {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(table.to_owned(), provider);
    }

    /// Keeps a store; gives back the one that was there for the view.
    pub(crate) fn insert(&self, view: &str, store: Arc<SharedStore>) -> Option<Arc<SharedStore>> {
        self.stores().insert(view.to_owned(), store)
    }
}
