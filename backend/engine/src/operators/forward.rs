//! What most of our operators say of themselves: what another operator says, whose place they take or whose rows they pass
//! on.
//!
//! `ExecutionPlan` is DataFusion's, and cannot be implemented here for every type that has such an operator. So these are
//! macros for the inside of an implementation, which is left with what the operator does by itself.

/// For an operator that computes what the operator of DataFusion in its field `planned` computes, in another way. What that
/// one says of its inputs and of its rows is true of this one. `Self::over` makes the same operator of a planned one with
/// other inputs.
macro_rules! says_what_is_planned {
    ($planned:ty) => {
        fn properties(&self) -> &std::sync::Arc<datafusion::physical_plan::PlanProperties> {
            self.planned.properties()
        }

        fn input_distribution_requirements(
            &self,
        ) -> datafusion::physical_plan::distribution_requirements::InputDistributionRequirements {
            self.planned.input_distribution_requirements()
        }

        fn required_input_ordering(&self) -> Vec<Option<datafusion::physical_expr::OrderingRequirements>> {
            self.planned.required_input_ordering()
        }

        fn maintains_input_order(&self) -> Vec<bool> {
            // Some operators have another function of this name.
            ExecutionPlan::maintains_input_order(self.planned.as_ref())
        }

        fn benefits_from_input_partitioning(&self) -> Vec<bool> {
            self.planned.benefits_from_input_partitioning()
        }

        fn children(&self) -> Vec<&std::sync::Arc<dyn ExecutionPlan>> {
            self.planned.children()
        }

        fn apply_expressions(
            &self,
            visit: &mut dyn FnMut(
                &std::sync::Arc<dyn datafusion::physical_expr::PhysicalExpr>,
            ) -> datafusion::common::Result<
                datafusion::common::tree_node::TreeNodeRecursion,
            >,
        ) -> datafusion::common::Result<datafusion::common::tree_node::TreeNodeRecursion> {
            self.planned.apply_expressions(visit)
        }

        fn replace_children(
            self: std::sync::Arc<Self>,
            children: Vec<std::sync::Arc<dyn ExecutionPlan>>,
            options: datafusion::physical_plan::execution_plan::ReplaceChildrenOptions,
        ) -> datafusion::common::Result<std::sync::Arc<dyn ExecutionPlan>> {
            let planned = std::sync::Arc::clone(&self.planned).replace_children(children, options)?;
            match planned.downcast_ref::<$planned>() {
                Some(planned) => self.over(planned),
                None => {
                    datafusion::common::internal_err!(
                        "{} over other inputs is {}",
                        self.name(),
                        planned.name()
                    )
                }
            }
        }

        fn with_new_children(
            self: std::sync::Arc<Self>,
            children: Vec<std::sync::Arc<dyn ExecutionPlan>>,
        ) -> datafusion::common::Result<std::sync::Arc<dyn ExecutionPlan>> {
            let anew = datafusion::physical_plan::execution_plan::ChildrenPropertiesMode::Recompute;
            let options = datafusion::physical_plan::execution_plan::ReplaceChildrenOptions::new(anew);
            self.replace_children(children, options)
        }

        fn child_stats_requests(
            &self,
            partition: Option<usize>,
        ) -> Vec<datafusion::physical_plan::statistics::ChildStats> {
            self.planned.child_stats_requests(partition)
        }

        fn statistics_from_inputs(
            &self,
            inputs: &[std::sync::Arc<datafusion::common::Statistics>],
            args: &datafusion::physical_plan::statistics::StatisticsArgs,
        ) -> datafusion::common::Result<std::sync::Arc<datafusion::common::Statistics>> {
            self.planned.statistics_from_inputs(inputs, args)
        }

        fn supports_limit_pushdown(&self) -> bool {
            self.planned.supports_limit_pushdown()
        }

        fn fetch(&self) -> Option<usize> {
            self.planned.fetch()
        }

        fn cardinality_effect(&self) -> datafusion::physical_plan::execution_plan::CardinalityEffect {
            self.planned.cardinality_effect()
        }
    };
}

/// For an operator that gives the rows of the one in its field `input`, whatever else it does. `Self::over` makes the same
/// operator of another input.
macro_rules! passes_rows_on {
    () => {
        fn children(&self) -> Vec<&std::sync::Arc<dyn ExecutionPlan>> {
            vec![&self.input]
        }

        fn apply_expressions(
            &self,
            _visit: &mut dyn FnMut(
                &std::sync::Arc<dyn datafusion::physical_expr::PhysicalExpr>,
            ) -> datafusion::common::Result<
                datafusion::common::tree_node::TreeNodeRecursion,
            >,
        ) -> datafusion::common::Result<datafusion::common::tree_node::TreeNodeRecursion> {
            Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
        }

        fn with_new_children(
            self: std::sync::Arc<Self>,
            children: Vec<std::sync::Arc<dyn ExecutionPlan>>,
        ) -> datafusion::common::Result<std::sync::Arc<dyn ExecutionPlan>> {
            match <[_; 1]>::try_from(children) {
                Ok([input]) => Ok(std::sync::Arc::new(self.over(input))),
                Err(children) => {
                    datafusion::common::internal_err!("{} has one input, not {}", self.name(), children.len())
                }
            }
        }

        fn child_stats_requests(
            &self,
            partition: Option<usize>,
        ) -> Vec<datafusion::physical_plan::statistics::ChildStats> {
            vec![datafusion::physical_plan::statistics::ChildStats::At(partition)]
        }

        fn statistics_from_inputs(
            &self,
            inputs: &[std::sync::Arc<datafusion::common::Statistics>],
            _args: &datafusion::physical_plan::statistics::StatisticsArgs,
        ) -> datafusion::common::Result<std::sync::Arc<datafusion::common::Statistics>> {
            match inputs {
                [input] => Ok(std::sync::Arc::clone(input)),
                _ => datafusion::common::internal_err!("{} has one input, not {}", self.name(), inputs.len()),
            }
        }
    };
}

pub(crate) use passes_rows_on;
pub(crate) use says_what_is_planned;
