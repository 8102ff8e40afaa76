//! Which rules of DataFusion's optimizer have something to do in a plan.
//!
//! Every rule walks over the whole plan, and over what the walk copies, as often as any of them changes something. Most
//! rules are about one kind of operator, and a plan has few kinds. Those that find nothing are left out: what each of the
//! others does is the same. A kind comes into a plan only from another one, so what is not there in the beginning never is:
//! subqueries become joins, aggregations and limits, and `DISTINCT` becomes an aggregation or a limit; where there is
//! one of these, all rules run.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::OptimizerRule;

use crate::semantics::is_query;

/// A rule of an optimizer.
type Rule = Arc<dyn OptimizerRule + Send + Sync>;

/// Whether a plan has what a rule is about.
type IsThere = fn(&Kinds) -> bool;

/// The rules that do nothing in a plan without some kind of operator.
const ABOUT: [(&str, IsThere); 16] = [
    ("rewrite_set_comparison", Kinds::any),
    ("optimize_unions", |kinds| kinds.unions),
    ("unions_to_filter", Kinds::any),
    ("replace_distinct_aggregate", Kinds::any),
    ("eliminate_join", |kinds| kinds.joins),
    ("decorrelate_predicate_subquery", Kinds::any),
    ("scalar_subquery_to_join", Kinds::any),
    ("decorrelate_lateral_join", |kinds| kinds.joins),
    ("extract_equijoin_predicate", |kinds| kinds.joins),
    ("eliminate_duplicated_expr", |kinds| kinds.aggregates || kinds.sorts),
    ("eliminate_cross_join", |kinds| kinds.joins),
    ("eliminate_limit", |kinds| kinds.limits),
    ("eliminate_outer_join", |kinds| kinds.joins),
    ("push_down_limit", |kinds| kinds.limits),
    ("single_distinct_aggregation_to_group_by", |kinds| kinds.aggregates),
    ("eliminate_group_by_constant", |kinds| kinds.aggregates),
];

/// The kinds of operators in a plan, as far as rules are about them.
#[derive(Default)]
pub(super) struct Kinds {
    joins: bool,
    unions: bool,
    aggregates: bool,
    sorts: bool,
    limits: bool,
    /// Something that may become any of them.
    others: bool,
}

impl Kinds {
    pub(super) fn of(plan: &LogicalPlan) -> Result<Self> {
        let mut kinds = Self::default();
        plan.apply(|node| {
            match node {
                LogicalPlan::Projection(_)
                | LogicalPlan::Filter(_)
                | LogicalPlan::SubqueryAlias(_)
                | LogicalPlan::TableScan(_)
                | LogicalPlan::Window(_)
                | LogicalPlan::Unnest(_)
                | LogicalPlan::EmptyRelation(_)
                | LogicalPlan::Values(_)
                | LogicalPlan::Extension(_) => {}
                LogicalPlan::Join(_) => kinds.joins = true,
                LogicalPlan::Union(_) => kinds.unions = true,
                LogicalPlan::Aggregate(_) => kinds.aggregates = true,
                LogicalPlan::Sort(_) => kinds.sorts = true,
                LogicalPlan::Limit(_) => kinds.limits = true,
                _ => kinds.others = true,
            }
            node.apply_expressions(|expr| {
                kinds.others |= expr.exists(|inner| Ok(is_query(inner)))?;
                Ok(TreeNodeRecursion::Continue)
            })?;
            Ok(if kinds.others { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })?;
        Ok(kinds)
    }

    /// The rules, in their order, that may change a plan with these operators.
    pub(super) fn rules(&self, rules: &[Rule], options: &ConfigOptions) -> Vec<Rule> {
        let has_work = |rule: &&Rule| match rule.name() {
            "filter_null_join_keys" => options.optimizer.filter_null_join_keys,
            "extract_leaf_expressions" | "push_down_leaf_projections" => {
                options.optimizer.enable_leaf_expression_pushdown
            }
            name => {
                let about = ABOUT.iter().find(|(rule, _)| *rule == name);
                self.others || about.is_none_or(|(_, is_there)| is_there(self))
            }
        };
        rules.iter().filter(has_work).map(Arc::clone).collect()
    }

    /// Whether the types in a plan depend on more than each node by itself.
    pub(super) fn are_analyzed_together(&self) -> bool {
        self.unions || self.others
    }

    /// For rules about what counts as [`Self::others`].
    fn any(&self) -> bool {
        self.others
    }
}

#[cfg(test)]
mod tests {
    use datafusion::optimizer::Optimizer;

    use super::super::segment::Settings;
    use super::*;
    use crate::semantics::known::{KNOWN, TABLES};
    use crate::{Session, SessionOptions};

    /// An upgrade that renames a rule makes its entry useless.
    #[test]
    fn every_rule_that_is_named_exists() {
        let rules = Optimizer::new().rules;
        for (name, _) in ABOUT {
            assert!(rules.iter().any(|rule| rule.name() == name), "{name}");
        }
    }

    /// What is left out would have changed nothing.
    #[tokio::test]
    async fn plans_are_those_of_all_rules() {
        let session = Session::new(SessionOptions::for_this_machine()).unwrap();
        let context = datafusion::prelude::SessionContext::new_with_state(session.state().clone());
        for (name, query) in TABLES {
            let table = context.sql(query).await.unwrap().into_view();
            context.register_table(name, table).unwrap();
        }
        let state = context.state();
        let (mut fewer, mut compared) = (0, 0);
        for known in KNOWN.into_iter().flatten() {
            let Ok(frame) = context.sql(known.query).await else { continue };
            let settings = Settings::of(&state);
            let options = state.config_options();
            let plan = frame.into_unoptimized_plan();
            let Ok(plan) = state.analyzer().execute_and_check(plan, options, |_, _| {}) else { continue };
            let rules = Kinds::of(&plan).unwrap().rules(state.optimizers(), options);
            fewer += usize::from(rules.len() + 3 < state.optimizers().len());
            let some = Optimizer::with_rules(rules).optimize(plan.clone(), &settings, |_, _| {});
            let all = state.optimizer().optimize(plan, &Settings::of(&state), |_, _| {});
            let (Ok(some), Ok(all)) = (some, all) else { continue };
            compared += 1;
            assert_eq!(some.display_indent_schema().to_string(), all.display_indent_schema().to_string());
        }
        assert!(fewer > 10 && compared > 20, "{fewer} of {compared}");
    }
}
