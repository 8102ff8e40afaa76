//! How many rows operators give, as a guess, where DataFusion guesses too few.
//!
//! DataFusion 55.2 takes a column of which nobody has counted the distinct values to have as many as rows. So it guesses that
//! a million orders joined with their ten countries are ten rows, and builds the table of the next join of all orders. Here
//! a join by keys is taken for one of foreign keys with what they name, as Selinger et al. do for joins over a unique key
//! ("Access path selection in a relational database management system", 1979, section 4): it has the rows of the larger input,
//! and of these the part that filters have left of the smaller one.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::{JoinType, Result};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::execution_plan::CardinalityEffect;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::union::UnionExec;

use super::span_join::SpanJoinExec;

/// A guess of the rows of an operator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    pub(crate) rows: f64,
    /// How many they would be without the filters below.
    unfiltered: f64,
    /// Whether there is a join below, so that DataFusion guesses otherwise.
    pub(crate) joined: bool,
}

/// Guesses of the rows of operators, each made once.
#[derive(Debug, Default)]
pub(crate) struct Cardinalities {
    /// By the address of the operator, which is held so that no other has it.
    known: HashMap<*const (), (Arc<dyn ExecutionPlan>, Option<Rows>)>,
}

impl Rows {
    fn known(rows: f64) -> Self {
        Self { rows, unfiltered: rows, joined: false }
    }

    /// The part of the rows that filters have left.
    fn selectivity(self) -> f64 {
        if self.unfiltered > 0.0 { (self.rows / self.unfiltered).min(1.0) } else { 1.0 }
    }

    fn of_join(join_type: JoinType, left: Self, right: Self) -> Self {
        let (smaller, larger) =
            if left.unfiltered <= right.unfiltered { (left, right) } else { (right, left) };
        let matched = larger.rows * smaller.selectivity();
        let rows = match join_type {
            JoinType::Inner => matched,
            JoinType::Left => matched.max(left.rows),
            JoinType::Right => matched.max(right.rows),
            JoinType::Full => matched.max(left.rows).max(right.rows),
            JoinType::LeftSemi => left.rows * right.selectivity(),
            JoinType::RightSemi => right.rows * left.selectivity(),
            JoinType::LeftAnti | JoinType::LeftMark => left.rows,
            JoinType::RightAnti | JoinType::RightMark => right.rows,
        };
        Self { rows, unfiltered: larger.unfiltered.max(rows), joined: true }
    }
}

impl Cardinalities {
    /// A guess of the rows of an operator; nothing where there is no ground for one.
    ///
    /// # Errors
    /// When statistics cannot be computed.
    pub(crate) fn of(&mut self, plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Rows>> {
        let address = Arc::as_ptr(plan).cast::<()>();
        if let Some((_, rows)) = self.known.get(&address) {
            return Ok(*rows);
        }
        let inputs = plan.children().into_iter().map(|input| self.of(input)).collect::<Result<Vec<_>>>()?;
        let rows = guessed(plan.as_ref(), &inputs)?;
        self.known.insert(address, (Arc::clone(plan), rows));
        Ok(rows)
    }
}

fn guessed(plan: &dyn ExecutionPlan, inputs: &[Option<Rows>]) -> Result<Option<Rows>> {
    let Some(inputs) = inputs.iter().copied().collect::<Option<Vec<Rows>>>() else { return Ok(None) };
    let rows = match inputs.as_slice() {
        [] => told(plan)?.map(Rows::known),
        [input] => of_one_input(plan, *input)?,
        [left, right] if plan.is::<HashJoinExec>() || plan.is::<SortMergeJoinExec>() => {
            join_type(plan).map(|join_type| Rows::of_join(join_type, *left, *right))
        }
        [left, right] if plan.is::<CrossJoinExec>() => Some(Rows {
            rows: left.rows * right.rows,
            unfiltered: left.unfiltered * right.unfiltered,
            joined: true,
        }),
        // As it says of itself.
        [left, right] if plan.is::<SpanJoinExec>() => Some(Rows {
            rows: left.rows.max(right.rows),
            unfiltered: left.unfiltered.max(right.unfiltered),
            joined: true,
        }),
        inputs if plan.is::<UnionExec>() => Some(Rows {
            rows: inputs.iter().map(|input| input.rows).sum(),
            unfiltered: inputs.iter().map(|input| input.unfiltered).sum(),
            joined: inputs.iter().any(|input| input.joined),
        }),
        inputs if !inputs.iter().any(|input| input.joined) => told(plan)?.map(Rows::known),
        _ => None,
    };
    let most = plan.fetch().map_or(f64::INFINITY, |fetch| fetch as f64);
    Ok(rows.map(|guess| Rows { rows: guess.rows.min(most), ..guess }))
}

fn of_one_input(plan: &dyn ExecutionPlan, input: Rows) -> Result<Option<Rows>> {
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        // Of a comparison with a column of which nothing is known, DataFusion says that it leaves all rows.
        let told = if input.joined { None } else { told(plan)?.filter(|rows| *rows < input.rows) };
        let part = f64::from(filter.default_selectivity()) / 100.0;
        return Ok(Some(Rows { rows: told.unwrap_or(input.rows * part), ..input }));
    }
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>()
        && aggregate.group_expr().is_empty()
    {
        return Ok(Some(Rows { rows: 1.0, unfiltered: 1.0, ..input }));
    }
    Ok(match plan.cardinality_effect() {
        CardinalityEffect::Equal | CardinalityEffect::LowerEqual => Some(input),
        CardinalityEffect::Unknown | CardinalityEffect::GreaterEqual if input.joined => None,
        CardinalityEffect::Unknown | CardinalityEffect::GreaterEqual => told(plan)?.map(Rows::known),
    })
}

fn join_type(plan: &dyn ExecutionPlan) -> Option<JoinType> {
    let hash = plan.downcast_ref::<HashJoinExec>().map(|join| *join.join_type());
    hash.or_else(|| plan.downcast_ref::<SortMergeJoinExec>().map(SortMergeJoinExec::join_type))
}

/// The rows that DataFusion knows of or guesses.
fn told(plan: &dyn ExecutionPlan) -> Result<Option<f64>> {
    let statistics = StatisticsContext::new().compute(plan, &StatisticsArgs::new())?;
    Ok(statistics.num_rows.get_value().map(|rows| *rows as f64))
}
