//! Parts of a call that its function does not take.
//!
//! DataFusion's SQL planner passes over them: a scalar function is planned without its FILTER, DISTINCT, OVER, ORDER BY
//! and IGNORE NULLS, a window function without its FILTER and DISTINCT, and most functions without IGNORE NULLS. Each
//! would change what a reader expects and not what is computed, so each is refused. Which clauses of SQL mean anything
//! whatever the function is decided where texts are parsed (`ir::expr`).

#![expect(clippy::wildcard_enum_match_arm, reason = "trees of SQL of which only calls are meant")]

use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};
use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArguments, Ident, NullTreatment, ObjectNamePart, Visit,
};
use datafusion::sql::sqlparser::tokenizer::Span;
use ir::expr::{normalize, walk};

/// Part of a call that its function does not take.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct CallClause {
    /// What is not taken.
    pub(crate) message: String,
    /// What to write instead.
    pub(crate) help: &'static str,
    /// The place of the function's name.
    pub(crate) span: Span,
}

/// Window functions for which IGNORE NULLS means something.
const NULLS_MATTER: [&str; 5] = ["lead", "lag", "first_value", "last_value", "nth_value"];

/// `count(DISTINCT *)`: a row is no value.
const DISTINCT_STAR: &str = "DISTINCT before *";

/// Refuses the first part of a call in the tree that its function does not take.
///
/// # Errors
/// [`CallClause`], wrapped.
pub(crate) fn check(state: &SessionState, tree: &impl Visit) -> Result<()> {
    let found = walk::find_expression(tree, |expr| match expr {
        Expr::Function(function) => refused(state, function),
        _ => None,
    });
    found.map_or(Ok(()), |refused| Err(DataFusionError::External(Box::new(refused))))
}

/// What a function is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Scalar,
    Aggregate { takes_nulls: bool },
    Window { takes_nulls: bool },
}

fn refused(state: &SessionState, function: &Function) -> Option<CallClause> {
    let [ObjectNamePart::Identifier(ident)] = function.name.0.as_slice() else { return None };
    let name = normalize(ident);
    let kind = kind(state, &name, function.over.is_some())?;
    let (duplicates, arguments, clauses) = match &function.args {
        FunctionArguments::List(list) => {
            (list.duplicate_treatment, list.args.as_slice(), list.clauses.as_slice())
        }
        FunctionArguments::None | FunctionArguments::Subquery(_) => (None, &[][..], &[][..]),
    };
    let orders = clauses.iter().any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)));
    let nulls = function.null_treatment.or_else(|| {
        clauses.iter().find_map(|clause| match clause {
            FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => Some(*treatment),
            _ => None,
        })
    });
    let ignores_nulls = matches!(nulls, Some(NullTreatment::IgnoreNulls));
    let distinct = matches!(duplicates, Some(DuplicateTreatment::Distinct));
    let clause = match kind {
        Kind::Scalar if function.over.is_some() => "OVER",
        Kind::Scalar | Kind::Window { .. } if function.filter.is_some() => "FILTER",
        Kind::Scalar | Kind::Window { .. } if distinct => "DISTINCT",
        Kind::Scalar | Kind::Window { .. } if orders => "ORDER BY among the arguments",
        Kind::Scalar | Kind::Window { .. } if !function.within_group.is_empty() => "WITHIN GROUP",
        Kind::Scalar if nulls.is_some() => "IGNORE NULLS or RESPECT NULLS",
        Kind::Aggregate { .. } if distinct && arguments.iter().any(is_star) => DISTINCT_STAR,
        Kind::Aggregate { takes_nulls: false } | Kind::Window { takes_nulls: false } if ignores_nulls => {
            "IGNORE NULLS"
        }
        Kind::Scalar | Kind::Aggregate { .. } | Kind::Window { .. } => return None,
    };
    Some(refusal(ident, &name, clause, kind))
}

fn is_star(argument: &FunctionArg) -> bool {
    matches!(
        argument,
        FunctionArg::Unnamed(FunctionArgExpr::Wildcard | FunctionArgExpr::QualifiedWildcard(_))
    )
}

fn refusal(ident: &Ident, name: &str, clause: &str, kind: Kind) -> CallClause {
    let what = match kind {
        Kind::Scalar => "a function of one row",
        Kind::Aggregate { .. } => "an aggregate function",
        Kind::Window { .. } => "a window function",
    };
    let help = match (kind, clause) {
        (Kind::Aggregate { .. }, DISTINCT_STAR) => "name the column, or aggregate a view of distinct rows",
        (Kind::Aggregate { .. }, _) => "write FILTER (WHERE x IS NOT NULL), or remove it",
        _ => "write the condition as a CASE inside the call, or filter in a view before",
    };
    CallClause { message: format!("`{name}` is {what} and takes no {clause}"), help, span: ident.span }
}

/// What a function is as the planner takes it; nothing if there is none of this name.
fn kind(state: &SessionState, name: &str, over: bool) -> Option<Kind> {
    if matches!(name, "unnest" | "unnest_outer") {
        return Some(Kind::Scalar);
    }
    Some(match called(state, name, over)? {
        Called::Scalar(_) | Called::HigherOrder => Kind::Scalar,
        Called::Aggregate(function) => {
            Kind::Aggregate { takes_nulls: function.supports_null_handling_clause() }
        }
        Called::Window(_) => Kind::Window { takes_nulls: NULLS_MATTER.contains(&name) },
    })
}

/// The function that a call means.
pub(crate) enum Called<'a> {
    /// A function of one row.
    Scalar(&'a ScalarUDF),
    /// A function of one row that takes functions. Only DataFusion has such.
    HigherOrder,
    /// A function of many rows.
    Aggregate(&'a AggregateUDF),
    /// A function of a row and those around it.
    Window(&'a WindowUDF),
}

/// The function that a call of this name means to DataFusion's planner, with OVER or without; nothing if there is none.
pub(crate) fn called<'a>(state: &'a SessionState, name: &str, over: bool) -> Option<Called<'a>> {
    if let Some(function) = state.scalar_functions().get(name) {
        return Some(Called::Scalar(function));
    }
    if state.higher_order_functions().contains_key(name) {
        return Some(Called::HigherOrder);
    }
    let aggregate = state.aggregate_functions().get(name);
    // Over a window the three are window functions, although aggregates have their names.
    let is_window = over && matches!(name, "first_value" | "last_value" | "nth_value");
    if let Some(function) = aggregate.filter(|_| !is_window) {
        return Some(Called::Aggregate(function));
    }
    let window = state.window_functions().get(name).filter(|_| over);
    window.map(|function| Called::Window(function))
}
