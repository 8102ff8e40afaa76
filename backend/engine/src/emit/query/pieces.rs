//! Long select lists, planned piece by piece.
//!
//! DataFusion's planner of SQL compares the name of every selected expression with those of all others, and goes
//! through the columns of the input for each column that an expression reads. So the time for a thousand expressions
//! over a thousand columns is that of a million comparisons, several times over. Of a query with a long list, FROM and
//! WHERE are planned once, with all columns, and the list in pieces, each over the columns that it names:
//!
//! ```text
//! SELECT a + 1 AS a, b + 1 AS b, ... FROM t WHERE a > 0      t has the columns a, b, ...
//! SELECT 1 FROM t WHERE a > 0                                the rows
//! a + 1 AS a, ...                                            over rows with the column a, ...
//! b + 1 AS b, ...                                            over rows with the column b, ...
//! ```
//!
//! Put together they are the plan that the whole query has. That holds for queries whose rows are those of FROM and
//! WHERE, one by one; whatever else a query does is not taken on, or shows in the plan of a piece. Such queries are
//! planned as a whole, and so are wrong ones: what is said of a mistake names all columns there are.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchema, DFSchemaRef, Result, plan_err};
use datafusion::logical_expr::expr_rewriter::normalize_col_with_schemas_and_ambiguity_check;
use datafusion::logical_expr::{EmptyRelation, Expr as Computed, LogicalPlan, Projection};
use datafusion::sql::planner::{PlannerContext, SqlToRel};
use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, JoinConstraint, JoinOperator, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, TableFactor, Value, Visitor, WildcardAdditionalOptions,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use ir::expr::{normalize, walk};

use super::Planner;

/// Shorter lists are planned as a whole.
const LONG: usize = 96;
/// How many expressions a piece has.
const PIECE: usize = 24;

/// The plan of a query over relations with these columns, if it can be put together from pieces.
pub(super) fn in_pieces(
    query: &Query,
    relations: &[String],
    schemas: &[SchemaRef],
    planner: &Planner<'_>,
) -> Option<LogicalPlan> {
    let select = plain_select(query)?;
    let items = expanded(select, relations, schemas)?;
    if items.len() < LONG || holds_query(query) {
        return None;
    }
    let one = Expr::Value(Value::Number("1".to_owned(), false).into());
    let rows = selecting(query.clone(), vec![SelectItem::UnnamedExpr(one)])?;
    let LogicalPlan::Projection(Projection { input, .. }) = planner.query(rows).ok()? else { return None };
    if !input.schema().functional_dependencies().is_empty() {
        return None;
    }
    let (mut exprs, mut fields, mut names) = (Vec::new(), Vec::new(), HashSet::new());
    for items in items.chunks(PIECE) {
        let rows = Arc::new(narrowed(input.schema(), &names_in(items)?)?);
        let LogicalPlan::Projection(piece) = planner.projection(items, &rows, &mut names).ok()? else {
            return None;
        };
        if piece.expr.len() != items.len() || !is_stand_in(&piece.input, &rows) {
            return None;
        }
        let named = piece.schema.iter().map(|(relation, field)| (relation.cloned(), Arc::clone(field)));
        fields.extend(named);
        exprs.extend(piece.expr);
    }
    let schema = DFSchema::new_with_metadata(fields, input.schema().metadata().clone()).ok()?;
    let whole = Projection::try_new_with_schema(exprs, input, Arc::new(schema)).ok()?;
    Some(LogicalPlan::Projection(whole))
}

impl Planner<'_> {
    /// The analyzed projection of selected expressions over a stand-in for rows with these columns, as
    /// `SqlToRel::select_to_plan` has it.
    ///
    /// `names` are those of the expressions so far. DataFusion takes `t.a`, `CAST(t.a AS VARCHAR)` and `1 AS "t.a"` for the
    /// same name, and would mix them up later.
    ///
    /// # Errors
    /// As planning the query. Calls that are not computed row by row are errors as well.
    fn projection(
        &self,
        items: &[SelectItem],
        rows: &DFSchemaRef,
        names: &mut HashSet<String>,
    ) -> Result<LogicalPlan> {
        let planner = SqlToRel::new_with_options(&self.relations, self.options);
        let selected = |item: &SelectItem| {
            let (tree, alias) = match item {
                SelectItem::UnnamedExpr(tree) => (tree, None),
                SelectItem::ExprWithAlias { expr, alias } => (expr, Some(normalize(alias))),
                other => return plan_err!("`{other}` is not one expression"),
            };
            let expr = planner.sql_to_expr(tree.clone(), rows, &mut PlannerContext::new())?;
            let expr = normalize_col_with_schemas_and_ambiguity_check(expr, &[&[rows]], &[])?;
            let is_of_several_rows = |part: &Computed| {
                matches!(
                    part,
                    Computed::AggregateFunction(_) | Computed::WindowFunction(_) | Computed::Unnest(_)
                )
            };
            if expr.exists(|part| Ok(is_of_several_rows(part)))? {
                return plan_err!("`{expr}` is not computed row by row");
            }
            Ok(match (alias, &expr) {
                (Some(alias), Computed::Column(column)) if column.name == alias => expr,
                (Some(alias), _) => expr.alias(alias),
                (None, _) => expr,
            })
        };
        let exprs: Vec<Computed> = items.iter().map(selected).collect::<Result<_>>()?;
        for expr in &exprs {
            let name = expr.schema_name().to_string();
            if names.contains(&name) {
                return plan_err!("there are two expressions named `{name}`");
            }
            names.insert(name);
        }
        self.analyzed(LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(stand_in(rows)))?))
    }
}

/// A plan with rows of these columns.
fn stand_in(rows: &DFSchemaRef) -> LogicalPlan {
    LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema: Arc::clone(rows) })
}

fn is_stand_in(plan: &LogicalPlan, rows: &DFSchemaRef) -> bool {
    matches!(plan, LogicalPlan::EmptyRelation(relation) if Arc::ptr_eq(&relation.schema, rows))
}

/// The SELECT of a query that is nothing but SELECT, FROM and WHERE over named relations and joins of them.
fn plain_select(query: &Query) -> Option<&Select> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let plain_query = query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
        && query.locks.is_empty()
        && query.for_clause.is_none()
        && query.settings.is_none()
        && query.format_clause.is_none()
        && query.pipe_operators.is_empty();
    let ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(keys, rest) if keys.is_empty() && rest.is_empty());
    let plain_select = ungrouped
        && select.distinct.is_none()
        && select.select_modifiers.is_none()
        && select.top.is_none()
        && select.exclude.is_none()
        && select.into.is_none()
        && select.lateral_views.is_empty()
        && select.prewhere.is_none()
        && select.connect_by.is_empty()
        && select.cluster_by.is_empty()
        && select.distribute_by.is_empty()
        && select.sort_by.is_empty()
        && select.having.is_none()
        && select.named_window.is_empty()
        && select.qualify.is_none()
        && select.value_table_mode.is_none();
    (plain_query && plain_select).then_some(select)
}

/// The relations of FROM in their order, each with the name its columns have and its place among the inputs. Nothing
/// where columns may have other names, or may be fewer or more than those of the relations.
fn relations_of(select: &Select, relations: &[String]) -> Option<Vec<(Ident, usize)>> {
    let mut found = Vec::new();
    for from in &select.from {
        found.push(relation(&from.relation, relations)?);
        for join in &from.joins {
            match &join.join_operator {
                JoinOperator::CrossJoin(JoinConstraint::None)
                | JoinOperator::Join(JoinConstraint::On(_))
                | JoinOperator::Inner(JoinConstraint::On(_))
                | JoinOperator::Left(JoinConstraint::On(_))
                | JoinOperator::LeftOuter(JoinConstraint::On(_))
                | JoinOperator::Right(JoinConstraint::On(_))
                | JoinOperator::RightOuter(JoinConstraint::On(_))
                | JoinOperator::FullOuter(JoinConstraint::On(_)) => {}
                _ => return None,
            }
            found.push(relation(&join.relation, relations)?);
        }
    }
    Some(found)
}

fn relation(factor: &TableFactor, relations: &[String]) -> Option<(Ident, usize)> {
    match factor {
        // The parentheses that every relation is given.
        TableFactor::NestedJoin { table_with_joins, alias: None } if table_with_joins.joins.is_empty() => {
            relation(&table_with_joins.relation, relations)
        }
        TableFactor::Table { name, alias, args: None, sample: None, .. } => {
            let [part] = name.0.as_slice() else { return None };
            let own = part.as_ident()?;
            let place = relations.iter().position(|relation| *relation == normalize(own))?;
            match alias {
                None => Some((own.clone(), place)),
                Some(alias) if alias.columns.is_empty() => Some((alias.name.clone(), place)),
                Some(_) => None,
            }
        }
        _ => None,
    }
}

/// The selected expressions, with all columns in the place of `*`.
fn expanded(select: &Select, relations: &[String], schemas: &[SchemaRef]) -> Option<Vec<SelectItem>> {
    let from = relations_of(select, relations)?;
    let columns = |(name, place): &(Ident, usize)| {
        let column = |column: &str| {
            let parts = vec![name.clone(), Ident::with_quote('"', column)];
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts))
        };
        let fields = schemas.get(*place)?.fields();
        Some(fields.iter().map(|field| column(field.name())).collect::<Vec<_>>())
    };
    let mut items = Vec::new();
    for item in &select.projection {
        match item {
            SelectItem::Wildcard(options) if is_plain(options) && !from.is_empty() => {
                for relation in &from {
                    items.extend(columns(relation)?);
                }
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options)
                if is_plain(options) =>
            {
                let [part] = name.0.as_slice() else { return None };
                let wanted = normalize(part.as_ident()?);
                items.extend(columns(from.iter().find(|(name, _)| normalize(name) == wanted)?)?);
            }
            SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. } => items.push(item.clone()),
            _ => return None,
        }
    }
    Some(items)
}

fn is_plain(options: &WildcardAdditionalOptions) -> bool {
    *options == WildcardAdditionalOptions::default()
}

/// Whether there is a query inside of the query.
fn holds_query(query: &Query) -> bool {
    struct Queries(usize);
    impl Visitor for Queries {
        type Break = ();
        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.0 += 1;
            if self.0 > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }
    walk::visit(query, &mut Queries(0)).is_break()
}

/// The query with another select list.
fn selecting(mut query: Query, items: Vec<SelectItem>) -> Option<Query> {
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    select.projection = items;
    Some(query)
}

/// Every word of selected expressions, as it is written and in lower case: among them are the names of all columns they
/// read.
fn names_in(items: &[SelectItem]) -> Option<HashSet<String>> {
    let mut names = HashSet::new();
    for item in items {
        for token in Tokenizer::new(&GenericDialect {}, &item.to_string()).tokenize().ok()? {
            if let Token::Word(word) = token {
                names.insert(word.value.to_ascii_lowercase());
                names.insert(word.value);
            }
        }
    }
    Some(names)
}

/// The columns of these names.
fn narrowed(schema: &DFSchema, names: &HashSet<String>) -> Option<DFSchema> {
    let named = schema.iter().filter(|(_, field)| names.contains(field.name()));
    let fields = named.map(|(relation, field)| (relation.cloned(), Arc::clone(field))).collect();
    DFSchema::new_with_metadata(fields, schema.metadata().clone()).ok()
}

#[cfg(test)]
mod tests;
