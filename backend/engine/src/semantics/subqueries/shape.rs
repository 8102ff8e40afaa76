//! What rows a subquery can give.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::{Filter, LogicalPlan, Projection};

/// The shape of a subquery.
#[derive(Debug)]
pub(super) enum Shape {
    /// Just one row: aggregates over all rows there are, even none.
    Row,
    /// That row, or none: `SELECT count(*) ... HAVING count(*) > 1`.
    FilteredRow {
        /// The row whatever the condition says.
        unfiltered: Arc<LogicalPlan>,
        /// A row of one column, the condition.
        predicate: Arc<LogicalPlan>,
    },
    /// Any number of rows.
    Other,
}

impl Shape {
    pub(super) fn of(plan: &LogicalPlan) -> Self {
        match plan {
            LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.is_empty() => Self::Row,
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => Self::of(&sort.input),
            LogicalPlan::SubqueryAlias(alias) => match Self::of(&alias.input) {
                Self::Row => Self::Row,
                // The alias is not worth the rebuilding.
                _ => Self::Other,
            },
            LogicalPlan::Filter(filter) => match Self::of(&filter.input) {
                Self::Row => Self::filtered(filter).unwrap_or(Self::Other),
                _ => Self::Other,
            },
            LogicalPlan::Projection(projection) => match Self::of(&projection.input) {
                Self::FilteredRow { unfiltered, predicate } => {
                    let projected = Projection::try_new(projection.expr.clone(), unfiltered);
                    match projected {
                        Ok(projected) => {
                            let unfiltered = Arc::new(LogicalPlan::Projection(projected));
                            Self::FilteredRow { unfiltered, predicate }
                        }
                        Err(_) => Self::Other,
                    }
                }
                other => other,
            },
            _ => Self::Other,
        }
    }

    fn filtered(filter: &Filter) -> Result<Self> {
        let predicate =
            Projection::try_new(vec![filter.predicate.clone().alias("__kept")], Arc::clone(&filter.input))?;
        Ok(Self::FilteredRow {
            unfiltered: Arc::clone(&filter.input),
            predicate: Arc::new(LogicalPlan::Projection(predicate)),
        })
    }
}

/// Whether a subquery counts its rows off, or makes a row where there is none to make it of.
pub(super) fn counts_rows(plan: &LogicalPlan) -> bool {
    let mut found = false;
    let walked = plan.apply(|node| {
        found |= match node {
            LogicalPlan::Limit(_) => true,
            LogicalPlan::Sort(sort) => sort.fetch.is_some(),
            LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
            _ => false,
        };
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found || walked.is_err()
}
