//! The stores of one run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_plan::ExecutionPlan;

use super::SharedStore;
use super::room::Budget;

/// The stores of one run. The planner of a run hands them to readers.
#[derive(Debug)]
pub(crate) struct RunStores {
    stores: Mutex<BTreeMap<String, Arc<SharedStore>>>,
    budget: Arc<Budget>,
}

impl RunStores {
    /// No stores; those to come may hold this many bytes in memory together, and what the session's pool allows.
    pub(crate) fn new(budget_bytes: Option<u64>) -> Self {
        let limit = budget_bytes.map_or(usize::MAX, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        Self { stores: Mutex::default(), budget: Arc::new(Budget::new(limit)) }
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

    /// Keeps a store; gives back the one that was there for the view.
    pub(crate) fn insert(&self, view: &str, store: Arc<SharedStore>) -> Option<Arc<SharedStore>> {
        self.stores().insert(view.to_owned(), store)
    }
}
