//! Which filters scans were offered, and what their providers say to them.
//!
//! DataFusion offers a scan the filters that come to stand right above it. What the provider takes goes into the scan; what it
//! does not decide by itself stays above. So the optimized plan has all that was offered: in the scan, and in the filter above
//! it. Filters with a value of chance or a query in them are never offered. A provider is asked once more for its answers, which
//! depend on nothing but the filters.

#![expect(clippy::wildcard_enum_match_arm, reason = "plans of DataFusion, of which few nodes are meant")]

use std::collections::BTreeMap;

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, TableProviderFilterPushDown, TableScan};
use serde::{Deserialize, Serialize};

use super::CaptureCounters;
use crate::semantics::is_query;

/// A scan, and the filters it was offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanCapture {
    /// The name of its node.
    pub scan: String,
    /// The columns that it gives, in order.
    pub columns: Vec<String>,
    /// The filters, those that it took first.
    pub filters: Vec<OfferedFilter>,
}

/// A filter that a scan was offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedFilter {
    /// The condition, as plans show it.
    pub filter: String,
    /// What the provider says.
    pub answer: FilterAnswer,
}

/// What a provider does with a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterAnswer {
    /// It gives only rows that pass.
    Exact,
    /// It may leave out rows that do not pass.
    Inexact,
    /// Nothing.
    Unsupported,
}

impl From<TableProviderFilterPushDown> for FilterAnswer {
    fn from(answer: TableProviderFilterPushDown) -> Self {
        match answer {
            TableProviderFilterPushDown::Exact => Self::Exact,
            TableProviderFilterPushDown::Inexact => Self::Inexact,
            TableProviderFilterPushDown::Unsupported => Self::Unsupported,
        }
    }
}

/// The scans of optimized plans, by name.
///
/// # Errors
/// When a provider cannot answer.
pub(super) fn offered(plans: &[LogicalPlan], counters: &CaptureCounters) -> Result<Vec<ScanCapture>> {
    let mut found = Vec::new();
    for plan in plans {
        // By the place of the scan in memory: a filter is met before what it stands on, and subqueries in it come between.
        let mut above: BTreeMap<usize, Expr> = BTreeMap::new();
        plan.apply_with_subqueries(|node| {
            match node {
                LogicalPlan::Filter(filter) if matches!(*filter.input, LogicalPlan::TableScan(_)) => {
                    above.insert(place(&filter.input), filter.predicate.clone());
                }
                LogicalPlan::TableScan(scan) => {
                    counters.add_scan();
                    found.push(probed(scan, above.remove(&place(node)).as_ref())?);
                }
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    found.sort_by(|left, right| left.scan.cmp(&right.scan));
    Ok(found)
}

fn place(plan: &LogicalPlan) -> usize {
    std::ptr::from_ref(plan).addr()
}

/// A scan below this filter, with the answers of its provider.
fn probed(scan: &TableScan, above: Option<&Expr>) -> Result<ScanCapture> {
    let mut filters: Vec<&Expr> = scan.filters.iter().collect();
    let left = above.into_iter().flat_map(split_conjunction);
    for filter in left.filter(|filter| is_offered(filter)) {
        if !filters.contains(&filter) {
            filters.push(filter);
        }
    }
    let answers = scan.source.supports_filters_pushdown(&filters)?;
    if answers.len() != filters.len() {
        let (given, asked) = (answers.len(), filters.len());
        return internal_err!("`{}` gave {given} answers to {asked} filters", scan.table_name);
    }
    let filters = filters.into_iter().zip(answers);
    Ok(ScanCapture {
        scan: scan.table_name.table().to_owned(),
        columns: scan.projected_schema.fields().iter().map(|field| field.name().clone()).collect(),
        filters: filters
            .map(|(filter, answer)| OfferedFilter { filter: filter.to_string(), answer: answer.into() })
            .collect(),
    })
}

/// Whether DataFusion offers a filter to the scan below it.
fn is_offered(filter: &Expr) -> bool {
    !filter.is_volatile() && !filter.exists(|part| Ok(is_query(part))).unwrap_or(true)
}
