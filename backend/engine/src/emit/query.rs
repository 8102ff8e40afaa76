//! SQL queries over inputs.
//!
//! A query is planned over stand-ins for its inputs and analyzed there; then the stand-ins are replaced by the
//! inputs' plans. So a query costs what the query costs, not what everything below it does; and a query that was
//! planned over the same columns before, to learn its type, is not planned again ([`PlannedQueries`]).

#![expect(clippy::wildcard_enum_match_arm, reason = "trees and plans of which few nodes are meant")]

mod pieces;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::file_options::file_type::FileType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Diagnostic, Result, TableReference, not_impl_err, plan_err};
use datafusion::datasource::cte_worktable::CteWorkTable;
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, RelationPlanner, TypePlanner};
use datafusion::logical_expr::{
    AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, ScalarUDF, SubqueryAlias, TableSource, WindowUDF,
};
use datafusion::sql::planner::{ParserOptions, SqlToRel};
use datafusion::sql::sqlparser::ast::{self, Statement};
use datafusion::sql::sqlparser::tokenizer::{Location, Span};
use ir::expr::{Query, dotted_name};

use super::expressions::calls;
use super::relational::unqualified;
use crate::memo::Memo;
use crate::semantics;

/// A relation that a query names and nobody defines.
#[derive(Debug, thiserror::Error)]
#[error("there is no relation `{0}`")]
pub(crate) struct UnknownRelation(pub(crate) String);

/// Queries that were planned before, over stand-ins, by the query and the columns of its inputs.
pub(crate) type PlannedQueries = Memo<Result<LogicalPlan, Arc<DataFusionError>>>;

/// The plan of a query whose relations are `relations`, in the order of `inputs`.
pub(crate) fn query(
    state: &SessionState,
    query: &Query,
    relations: &[String],
    inputs: &[Arc<LogicalPlan>],
    planned: &PlannedQueries,
) -> Result<LogicalPlan> {
    if relations.len() != inputs.len() {
        return plan_err!("the query names {} relations and has {} inputs", relations.len(), inputs.len());
    }
    // The whole Arrow schemas, metadata included: the plan is made of them.
    let schemas: Vec<SchemaRef> = inputs.iter().map(|plan| Arc::clone(plan.schema().inner())).collect();
    let plan = planned.answer(&(query, relations, &schemas), |_| {
        over_stand_ins(state, query, relations, &schemas, false).map_err(Arc::new)
    });
    let plan = plan.map_err(DataFusionError::Shared)?;
    let plan = plan.transform_up_with_subqueries(|node| match &node {
        LogicalPlan::TableScan(scan) => match scan.source.downcast_ref::<Relation>() {
            Some(relation) => {
                let Some(input) = inputs.get(relation.port) else {
                    return plan_err!("the query has no input {}", relation.port);
                };
                // The plan around it was made of rows of which nothing is known.
                let input = Arc::new(semantics::forgotten(Arc::clone(input))?);
                let input = SubqueryAlias::try_new(input, scan.table_name.clone())?;
                Ok(Transformed::yes(LogicalPlan::SubqueryAlias(input)))
            }
            None => Ok(Transformed::no(node)),
        },
        _ => Ok(Transformed::no(node)),
    })?;
    Ok(plan.data)
}

/// Where in its text a query that cannot be planned is wrong, as far as the planner tells.
pub(crate) fn place_of_error(
    state: &SessionState,
    query: &Query,
    relations: &[String],
    schemas: &[SchemaRef],
) -> Option<Span> {
    let error = over_stand_ins(state, query, relations, schemas, true).err()?;
    let span = first_diagnostic(&error)?.span?;
    let place = |place: datafusion::common::Location| Location::new(place.line, place.column);
    Some(Span::new(place(span.start), place(span.end)))
}

/// The finding with a place that is nearest to the surface of an error.
fn first_diagnostic(error: &DataFusionError) -> Option<&Diagnostic> {
    match error {
        DataFusionError::Collection(errors) => errors.iter().find_map(first_diagnostic),
        DataFusionError::Context(_, inner) => first_diagnostic(inner),
        other => other.diagnostic(),
    }
}

/// The analyzed plan of a query whose relations have these columns; with `places`, errors tell where they are.
fn over_stand_ins(
    state: &SessionState,
    query: &Query,
    relations: &[String],
    schemas: &[SchemaRef],
    places: bool,
) -> Result<LogicalPlan> {
    calls::check(state, query.ast())?;
    let mut tree = query.planned();
    semantics::in_tree(&mut tree)?;
    let planner = Planner::new(state, relations, schemas, places);
    let in_pieces = if places { None } else { pieces::in_pieces(&tree, relations, schemas, &planner) };
    unqualified(in_pieces.map_or_else(|| planner.query(tree), Ok)?)
}

/// Plans SQL over relations of which the columns are known.
struct Planner<'a> {
    state: &'a SessionState,
    relations: Relations<'a>,
    options: ParserOptions,
}

impl<'a> Planner<'a> {
    fn new(state: &'a SessionState, relations: &[String], schemas: &[SchemaRef], places: bool) -> Self {
        let sources = relations.iter().zip(schemas).enumerate().map(|(port, (name, schema))| {
            let relation = Relation { schema: Arc::clone(schema), port };
            (name.clone(), Arc::new(relation) as Arc<dyn TableSource>)
        });
        let options = ParserOptions {
            collect_spans: places,
            ..ParserOptions::from(&state.config_options().sql_parser)
        };
        Self { state, relations: Relations { state, sources: sources.collect() }, options }
    }

    /// The analyzed plan of a query.
    fn query(&self, tree: ast::Query) -> Result<LogicalPlan> {
        let planner = SqlToRel::new_with_options(&self.relations, self.options);
        let plan = planner.sql_statement_to_plan(Statement::Query(Box::new(tree)))?;
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false)
            .verify_plan(&plan)?;
        self.analyzed(plan)
    }

    fn analyzed(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let plan = semantics::query_before_analysis(plan, self.state)?;
        let plan = self.state.analyzer().execute_and_check(plan, self.state.config_options(), |_, _| {})?;
        semantics::query_after_analysis(plan, self.state)
    }
}

/// The stand-in for an input while a query is planned.
struct Relation {
    schema: SchemaRef,
    /// Which input it stands for.
    port: usize,
}

impl TableSource for Relation {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// What a query can refer to: its inputs and the functions of the session, nothing else.
struct Relations<'a> {
    state: &'a SessionState,
    sources: BTreeMap<String, Arc<dyn TableSource>>,
}

impl ContextProvider for Relations<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        let source = match &name {
            TableReference::Bare { table } => self.sources.get(table.as_ref()),
            TableReference::Partial { schema, table } => self.sources.get(&dotted_name([schema, table])),
            TableReference::Full { catalog, schema, table } => {
                self.sources.get(&dotted_name([catalog, schema, table]))
            }
        };
        let unknown = || DataFusionError::External(Box::new(UnknownRelation(name.to_string())));
        source.cloned().ok_or_else(unknown)
    }

    fn get_table_function_source(&self, name: &str, _arguments: Vec<Expr>) -> Result<Arc<dyn TableSource>> {
        plan_err!("table functions like `{name}` are not available in a query; read a view instead")
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> Result<Arc<dyn TableSource>> {
        Ok(provider_as_source(Arc::new(CteWorkTable::new(name, schema))))
    }

    fn get_file_type(&self, extension: &str) -> Result<Arc<dyn FileType>> {
        not_impl_err!("a query cannot read or write `{extension}` files")
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.state.expr_planners()
    }

    fn get_relation_planners(&self) -> &[Arc<dyn RelationPlanner>] {
        self.state.relation_planners()
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(semantics::type_planner())
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.state.scalar_functions().get(name).cloned()
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.state.higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.state.aggregate_functions().get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.state.window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.state.scalar_functions().keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.state.higher_order_functions().keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.state.aggregate_functions().keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.state.window_functions().keys().cloned().collect()
    }
}
