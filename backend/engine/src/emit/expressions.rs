//! SQL syntax trees to DataFusion expressions with all implicit conversions made explicit.
//!
//! Conversions are made here and not left to DataFusion's analyzer, because a plan node is built from the types
//! of its expressions: `CASE WHEN a THEN 1 ELSE b END` has another type before the analyzer than after it.

pub(crate) mod calls;

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::utils::{find_aggregate_exprs, find_window_exprs};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::sql::sqlparser::ast::ExprWithAlias;
use ir::expr::ScalarExpr;
use ir::op::Evaluation;

use crate::semantics;

/// The DataFusion expression for `expr` over columns of `schema`.
///
/// # Errors
/// When a name is unknown, types do not fit, or the expression does not suit the evaluation: a scalar one must
/// not hold aggregate or window calls, an aggregate one must hold an aggregate call, a window one a window call.
pub(crate) fn expression(
    state: &SessionState,
    expr: &ScalarExpr,
    evaluation: Evaluation,
    schema: &DFSchema,
) -> Result<Expr> {
    calls::check(state, expr.ast())?;
    let mut tree = expr.ast().clone();
    semantics::in_tree(&mut tree)?;
    let ast = ExprWithAlias { expr: tree, alias: None };
    let planned = state.create_logical_expr_from_sql_expr(ast, schema)?;
    // `count(*)` arrives with an alias; output names are given by the node.
    let planned = planned.unalias_nested().data;
    check_evaluation(expr, &planned, evaluation)?;
    let planned = rewritten(state, semantics::before_coercion(planned, schema)?, schema)?;
    semantics::after_coercion(coerced(state, planned, schema)?, schema)
}

/// The expression after the rewrites of calls that were added to the session. DataFusion's analyzer applies them to queries,
/// likewise before it makes conversions explicit.
fn rewritten(state: &SessionState, expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let (rewrites, options) = (state.analyzer().function_rewrites(), state.config_options());
    if rewrites.is_empty() {
        return Ok(expr);
    }
    let all = |expr| {
        let rewrite = |expr: Transformed<Expr>, rewrite: &Arc<dyn FunctionRewrite + Send + Sync>| {
            expr.transform_data(|expr| rewrite.rewrite(expr, schema, options))
        };
        rewrites.iter().try_fold(Transformed::no(expr), rewrite)
    };
    Ok(expr.transform_up(all)?.data)
}

/// The expression with implicit conversions as casts.
pub(crate) fn coerced(state: &SessionState, expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let context = SimplifyContext::builder().with_config_options(Arc::clone(state.config_options())).build();
    ExprSimplifier::new(context).coerce(expr, schema)
}

/// A call that is not possible where it stands.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Misplaced {
    /// A call of another kind is wanted, or none.
    #[error("{0}")]
    Call(String),
    /// A window call is wanted.
    #[error("`{0}` is not a window call; write one like row_number() OVER (ORDER BY x)")]
    NotAWindow(String),
}

fn check_evaluation(text: &ScalarExpr, expr: &Expr, evaluation: Evaluation) -> Result<()> {
    let aggregates = !find_aggregate_exprs([expr]).is_empty();
    let windows = !find_window_exprs([expr]).is_empty();
    let misplaced =
        |what: &str| Err(DataFusionError::External(Box::new(Misplaced::Call(format!("`{text}` {what}")))));
    if expr.exists(|inner| Ok(matches!(inner, Expr::Unnest(_))))? {
        return misplaced("calls unnest, which makes rows; use a view that unnests the column");
    }
    match evaluation {
        Evaluation::Scalar if aggregates => {
            misplaced("holds an aggregate call, which is not possible here; use a view that aggregates")
        }
        Evaluation::Scalar if windows => {
            misplaced("holds a window call, which is not possible here; use a view with window columns")
        }
        Evaluation::Aggregate if windows => {
            misplaced("holds a window call, which is not possible in an aggregation")
        }
        Evaluation::Aggregate if !aggregates => {
            misplaced("is not an aggregate; write a call like sum(x) or count(*), or group by it")
        }
        Evaluation::Window if aggregates => misplaced("holds an aggregate call without OVER"),
        Evaluation::Window if !windows => {
            Err(DataFusionError::External(Box::new(Misplaced::NotAWindow(text.to_string()))))
        }
        Evaluation::Scalar | Evaluation::Aggregate | Evaluation::Window => Ok(()),
    }
}
