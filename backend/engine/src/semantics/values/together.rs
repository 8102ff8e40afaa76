//! What is compared in an expression that is not yet coerced, and what stands in one place of it.

use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Between, InList};
use datafusion::logical_expr::{Expr, Operator};

use super::operands::Operand;
use super::{dates, mixed};
use crate::semantics::literals::has_alternatives;

/// The expression with operands that DataFusion brings to the right type.
pub(in super::super) fn brought_together(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let compared = |operands: Vec<&mut Expr>| -> Result<bool> {
        let mut operands: Vec<_> = operands.into_iter().map(|expr| Operand::new(expr, schema)).collect();
        Ok(dates::compared(&mut operands)? | mixed::made_floats(&mut operands))
    };
    let alternatives = |operands: Vec<&mut Expr>| -> bool {
        let mut operands: Vec<_> = operands.into_iter().map(|expr| Operand::new(expr, schema)).collect();
        mixed::made_floats(&mut operands)
    };
    expr.transform_up(|expr| match expr {
        Expr::BinaryExpr(mut binary) if is_comparison(binary.op) => {
            let changed = compared(vec![&mut binary.left, &mut binary.right])?;
            Ok(Transformed::new_transformed(Expr::BinaryExpr(binary), changed))
        }
        Expr::Between(Between { mut expr, negated, mut low, mut high }) => {
            let changed = compared(vec![&mut expr, &mut low, &mut high])?;
            Ok(Transformed::new_transformed(Expr::Between(Between { expr, negated, low, high }), changed))
        }
        Expr::InList(InList { mut expr, mut list, negated }) => {
            let changed = compared(std::iter::once(expr.as_mut()).chain(&mut list).collect())?;
            Ok(Transformed::new_transformed(Expr::InList(InList { expr, list, negated }), changed))
        }
        Expr::InSubquery(all) => mixed::in_subquery(all, schema),
        Expr::SetComparison(all) => mixed::set_comparison(all, schema),
        Expr::Case(mut case) => {
            let mut changed = false;
            if let Some(operand) = &mut case.expr {
                let whens = case.when_then_expr.iter_mut().map(|(when, _)| when.as_mut());
                changed |= compared(std::iter::once(operand.as_mut()).chain(whens).collect())?;
            }
            let results = case.when_then_expr.iter_mut().map(|(_, then)| then.as_mut());
            changed |= alternatives(results.chain(case.else_expr.as_deref_mut()).collect());
            Ok(Transformed::new_transformed(Expr::Case(case), changed))
        }
        Expr::ScalarFunction(mut call) if has_alternatives(call.name()) => {
            let changed = alternatives(call.args.iter_mut().collect());
            Ok(Transformed::new_transformed(Expr::ScalarFunction(call), changed))
        }
        other => Ok(Transformed::no(other)),
    })
}

fn is_comparison(operator: Operator) -> bool {
    operator.supports_propagation()
        || matches!(operator, Operator::IsDistinctFrom | Operator::IsNotDistinctFrom)
}
