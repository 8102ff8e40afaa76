//! Functions, planners, rewrites and nodes of an embedding program, in specs that use them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::Session;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, DFSchemaRef, Result};
use datafusion::config::ConfigOptions;
use datafusion::datasource::listing_table_factory::ListingTableFactory;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::planner::{
    ExprPlanner, PlannedRelation, PlannerResult, RawBinaryExpr, RelationPlanner, RelationPlannerContext,
    RelationPlanning,
};
use datafusion::logical_expr::{
    Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore, lit,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};
use datafusion::sql::sqlparser::ast::{BinaryOperator, TableFactor};
use engine::{FormatPolicy, PlanningSurfaceBuilder, PlanningSurfaceSpec, SurfaceSpecError};
use ir::spec::ExtensionKind;
use pipeline::{PublishOptions, publish};

use super::{compiled, double, functions, home, spec, workers};
use crate::harness::{Rows, read_sql};

/// The rows that a spec with this view writes, and the types of their columns.
fn written(transform: &str, added: PlanningSurfaceBuilder) -> (Rows, String) {
    let (home, workers) = (home(), workers(added));
    let compilation = compiled(&spec("", transform), home.path(), &workers);
    compilation.must_be_sound().unwrap_or_else(|error| panic!("{error:?}"));
    let view = compilation.graph.find("v").expect("the view has a node");
    let types = compilation.graph.schema(view).to_string();
    let outcome = publish(compilation, &workers, PublishOptions::default(), Arc::new(()));
    outcome.unwrap_or_else(|error| panic!("{error:?}"));
    let tables = [("out".to_owned(), home.path().join("out"))].into();
    (read_sql("SELECT * FROM out ORDER BY 1", &tables), types)
}

/// The rows of a query over nothing.
fn rows(query: &str) -> Rows {
    read_sql(query, &[].into())
}

pub(super) fn functions_are_typed_and_run() {
    let project = "{kind: Project, source: nodes, columns: [{name: x, expr: acme_double(end_byte)}]}";
    let (found, types) = written(project, functions("1"));
    assert_eq!(found, rows("SELECT * FROM (VALUES (40), (160), (180)) AS t(x)"));
    assert_eq!(types, "{x Int64}");
    let query = "{kind: Sql, query: \"SELECT acme_mean(acme_twice(end_byte)) AS m FROM nodes\"}";
    let (found, types) = written(query, functions("1"));
    assert_eq!(found, rows("SELECT CAST(126.66666666666667 AS DOUBLE) AS m"));
    assert_eq!(types, "{m Float64}");
    // Without the additions there is no such function.
    let without = compiled(&spec("", project), home().path(), &workers(PlanningSurfaceSpec::builder()));
    assert!(without.has_errors());
}

pub(super) fn a_version_moves_the_surface() {
    let home = home();
    let text = spec("", "{kind: Project, source: nodes, columns: [{name: x, expr: acme_double(end_byte)}]}");
    let hashes = |version| {
        let response = compiled(&text, home.path(), &workers(functions(version))).response();
        let response = response.expect("a compilation is hashed");
        (response.planning_surface_hash, response.envelope_hash, response.spec_hash)
    };
    let (first, again, other) = (hashes("1"), hashes("1"), hashes("2"));
    assert_eq!(first, again);
    assert_ne!(first.0, other.0, "the planning surface");
    assert_ne!(first.1, other.1, "the envelope");
    assert_eq!(first.2, other.2, "the spec says the same");
}

/// `a || b` of numbers is their sum.
#[derive(Debug)]
struct Sums;

impl ExprPlanner for Sums {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        use datafusion::logical_expr::ExprSchemable as _;
        let is_number = |side: &Expr| side.get_type(schema).is_ok_and(|of| of == DataType::Int64);
        if expr.op == BinaryOperator::StringConcat && is_number(&expr.left) && is_number(&expr.right) {
            return Ok(PlannerResult::Planned(expr.left + expr.right));
        }
        Ok(PlannerResult::Original(expr))
    }
}

pub(super) fn sums() -> Arc<dyn ExprPlanner> {
    Arc::new(Sums)
}

pub(super) fn planners_are_asked_in_their_places() {
    let wanted = rows("SELECT * FROM (VALUES (23, 'x1'), (82, 'x1'), (91, 'x1')) AS t(x, y)");
    for transform in [
        "{kind: Project, source: nodes, columns: [{name: x, expr: end_byte || node_id}, {name: y, expr: \"'x' || 1\"}]}",
        "{kind: Sql, query: \"SELECT end_byte || node_id AS x, 'x' || 1 AS y FROM nodes\"}",
    ] {
        let added = PlanningSurfaceSpec::builder().expr_planner("acme_sums", "1", sums());
        let (found, types) = written(transform, added);
        assert_eq!(found.untyped(), wanted.untyped(), "{transform}");
        assert!(types.starts_with("{x Int64"), "{transform}: {types}");
    }
}

/// `acme_double(x)` is `x + x`.
#[derive(Debug)]
struct DoubledBySums;

impl FunctionRewrite for DoubledBySums {
    fn name(&self) -> &str {
        "doubled"
    }

    fn rewrite(&self, expr: Expr, _: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        match expr {
            Expr::ScalarFunction(call) if call.name() == "acme_double" => {
                match <[Expr; 1]>::try_from(call.args) {
                    Ok([argument]) => Ok(Transformed::yes(argument.clone() + argument + lit(1000_i64))),
                    Err(_) => panic!("it has one argument"),
                }
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

pub(super) fn a_rewrite_sees_expressions_and_queries() {
    let wanted = rows("SELECT * FROM (VALUES (1040), (1160), (1180)) AS t(x)");
    for transform in [
        "{kind: Project, source: nodes, columns: [{name: x, expr: acme_double(end_byte)}]}",
        "{kind: Sql, query: \"SELECT acme_double(end_byte) AS x FROM nodes\"}",
    ] {
        let added = functions("1").function_rewrite("acme_doubled", "1", Arc::new(DoubledBySums));
        assert_eq!(written(transform, added).0, wanted, "{transform}");
    }
}

/// A node whose rows are those of its input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Marked(LogicalPlan);

impl PartialOrd for Marked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.0.partial_cmp(&other.0)
    }
}

impl UserDefinedLogicalNodeCore for Marked {
    fn name(&self) -> &str {
        "Marked"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.0]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.0.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Marked")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        Ok(Self(inputs.pop().expect("a node has its input")))
    }
}

/// Puts a [`Marked`] above every table.
#[derive(Debug)]
struct Marks;

impl RelationPlanner for Marks {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let TableFactor::Table { name, alias, .. } = &relation else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let reference = context.object_name_to_table_reference(name.clone())?;
        let source = context.context_provider().get_table_source(reference.clone())?;
        let input = datafusion::logical_expr::LogicalPlanBuilder::scan(reference, source, None)?.build()?;
        let node = LogicalPlan::Extension(Extension { node: Arc::new(Marked(input)) });
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(node, alias.clone()))))
    }
}

/// Plans [`Marked`], and counts how often the session had all that was added.
#[derive(Default)]
struct PlansMarked(AtomicUsize);

#[async_trait]
impl ExtensionPlanner for PlansMarked {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if node.name() != "Marked" {
            return Ok(None);
        }
        let state = session.as_any().downcast_ref::<SessionState>();
        let has_factory = state.is_some_and(|state| state.table_factories().contains_key("ACME"));
        if has_factory && session.table_options().csv.delimiter == b';' {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        Ok(inputs.first().map(Arc::clone))
    }
}

pub(super) fn nodes_are_planned_in_the_session() {
    let planner = Arc::new(PlansMarked::default());
    let added = PlanningSurfaceSpec::builder()
        .relation_planner("acme_marks", "1", Arc::new(Marks))
        .extension_planner("acme_marked", "1", Arc::clone(&planner) as _)
        .table_factory("ACME", "1", Arc::new(ListingTableFactory::new()))
        .format_policy(FormatPolicy { csv_delimiter: Some(b';'), ..FormatPolicy::default() });
    let query = "{kind: Sql, query: \"SELECT end_byte AS x FROM nodes AS n WHERE n.node_id > 1\"}";
    let (found, _) = written(query, added);
    assert_eq!(found, rows("SELECT * FROM (VALUES (20), (80)) AS t(x)"));
    assert!(planner.0.load(Ordering::Relaxed) > 0, "the node was planned where all additions are");
}

pub(super) fn additions_without_names_are_refused() {
    let refused = |added: PlanningSurfaceBuilder| added.build().expect_err("it is refused");
    let kind = ExtensionKind::ExprPlanners;
    let planner =
        |name: &str, version: &str| PlanningSurfaceSpec::builder().expr_planner(name, version, sums());
    assert_eq!(refused(planner(" ", "1")), SurfaceSpecError::NoName { kind });
    assert_eq!(refused(planner("x", "")), SurfaceSpecError::NoVersion { kind, name: "x".to_owned() });
    for name in ["codeanatomy", "core_functions", "number_literals"] {
        let taken = SurfaceSpecError::NameTaken { kind, name: name.to_owned() };
        assert_eq!(refused(planner(name, "1")), taken, "{name}");
    }
    let taken = SurfaceSpecError::NameTaken { kind, name: "x".to_owned() };
    assert_eq!(refused(planner("x", "1").expr_planner("x", "2", sums())), taken);
    // A function of this program stays what it is; one of DataFusion is replaced.
    let kind = ExtensionKind::Functions;
    let named = |name: &'static str| {
        let function = double().as_ref().clone().with_aliases([name]);
        PlanningSurfaceSpec::builder().scalar_function(Arc::new(function), "1")
    };
    let taken = SurfaceSpecError::NameTaken { kind, name: "stable_id64".to_owned() };
    assert_eq!(refused(named("stable_id64")), taken);
    named("upper").build().expect("a function of DataFusion may be replaced");
}
