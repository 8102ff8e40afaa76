//! Calls of functions and their windows.

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, NullTreatment, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowSpec, WindowType,
};

use super::table::optional;
use super::{Walk, Windows, clauses};

impl Walk {
    pub(super) fn function(&mut self, function: &Function) {
        let Function {
            name,
            // `{fn f(a)}` is `f(a)`.
            uses_odbc_syntax: _,
            parameters,
            args,
            filter,
            null_treatment,
            over,
            within_group,
        } = function;
        self.name(name);
        match parameters {
            FunctionArguments::None => {}
            FunctionArguments::Subquery(_) | FunctionArguments::List(_) => self.refuse(&clauses::PARAMETERS),
        }
        match args {
            FunctionArguments::None => {}
            FunctionArguments::Subquery(_) => self.refuse(&clauses::SUBQUERY_ARGUMENT),
            FunctionArguments::List(list) => self.arguments(list),
        }
        within_group.iter().for_each(|order| self.order_by_expr(order));
        filter.iter().for_each(|condition| self.expr(condition));
        match null_treatment {
            Some(NullTreatment::IgnoreNulls | NullTreatment::RespectNulls) | None => {}
        }
        if let Some(over) = over {
            match over {
                WindowType::WindowSpec(window) => self.window(window),
                WindowType::NamedWindow(name) => self.ident(name),
            }
            let none = Windows::default();
            if let Err((clause, span)) = self.windows.last().unwrap_or(&none).whole(over) {
                self.refuse_at(clause, span);
            }
        }
        self.refuse_if(over.is_some() && !within_group.is_empty(), &clauses::GROUP_WITH_WINDOW);
    }

    fn arguments(&mut self, list: &FunctionArgumentList) {
        let FunctionArgumentList { duplicate_treatment, args, clauses } = list;
        match duplicate_treatment {
            Some(DuplicateTreatment::Distinct | DuplicateTreatment::All) | None => {}
        }
        for argument in args {
            match argument {
                FunctionArg::Named { name, arg, operator: _ } => {
                    self.ident(name);
                    self.argument(arg);
                }
                FunctionArg::ExprNamed { name, arg, operator: _ } => {
                    self.expr(name);
                    self.argument(arg);
                }
                FunctionArg::Unnamed(arg) => self.argument(arg),
            }
        }
        clauses.iter().for_each(|clause| self.argument_clause(clause));
    }

    fn argument(&mut self, argument: &FunctionArgExpr) {
        match argument {
            FunctionArgExpr::Expr(expr) => self.expr(expr),
            FunctionArgExpr::Wildcard => {}
            FunctionArgExpr::QualifiedWildcard(name) => {
                self.name(name);
                self.refuse(&clauses::QUALIFIED_STAR);
            }
            FunctionArgExpr::WildcardWithOptions(_) => self.refuse(&clauses::STAR_OPTIONS),
        }
    }

    fn argument_clause(&mut self, clause: &FunctionArgumentClause) {
        match clause {
            FunctionArgumentClause::IgnoreOrRespectNulls(
                NullTreatment::IgnoreNulls | NullTreatment::RespectNulls,
            ) => {}
            FunctionArgumentClause::OrderBy(orders) => {
                orders.iter().for_each(|order| self.order_by_expr(order));
            }
            FunctionArgumentClause::Limit(_)
            | FunctionArgumentClause::OnOverflow(_)
            | FunctionArgumentClause::Having(_)
            | FunctionArgumentClause::Separator(_)
            | FunctionArgumentClause::JsonNullClause(_)
            | FunctionArgumentClause::JsonReturningClause(_) => self.refuse(&clauses::ARGUMENT_CLAUSE),
        }
    }

    pub(super) fn window(&mut self, window: &WindowSpec) {
        let WindowSpec { window_name, partition_by, order_by, window_frame } = window;
        window_name.iter().for_each(|name| self.ident(name));
        partition_by.iter().for_each(|expr| self.expr(expr));
        order_by.iter().for_each(|order| self.order_by_expr(order));
        if let Some(WindowFrame { units, start_bound, end_bound }) = window_frame {
            match units {
                WindowFrameUnits::Rows | WindowFrameUnits::Range | WindowFrameUnits::Groups => {}
            }
            self.bound(start_bound);
            end_bound.iter().for_each(|bound| self.bound(bound));
        }
    }

    fn bound(&mut self, bound: &WindowFrameBound) {
        match bound {
            WindowFrameBound::CurrentRow => {}
            WindowFrameBound::Preceding(distance) | WindowFrameBound::Following(distance) => {
                optional(distance).for_each(|distance: &Expr| self.expr(distance));
            }
        }
    }
}
