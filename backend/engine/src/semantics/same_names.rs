//! Expressions that DataFusion gives one name, told apart.
//!
//! | written | becomes | why |
//! |---|---|---|
//! | `sum(v) AS a, sum(CAST(v AS DOUBLE)) AS b` | `coalesce(CAST(v AS DOUBLE))` in the second | DataFusion leaves casts out of names, so both are `sum(v)`; the optimizer takes the `coalesce` away |
//! | `GROUP BY v, CAST(v AS VARCHAR)` | likewise | likewise |
//! | `SELECT sum(v) AS v ... ORDER BY sum(v)` | `ORDER BY 1` | the `v` in the order is taken for the sum |
//! | `... UNION ALL SELECT v, v` | `v AS "__column_1"` for the second | names of all but the first query mean nothing |

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    GroupByExpr, Ident, ObjectName, OrderBy, OrderByKind, Query, Select, SelectItem, SetExpr, Value, Visit,
    VisitMut, Visitor, VisitorMut,
};

/// Tells them apart in every query of the tree.
pub(super) fn told_apart(tree: &mut impl VisitMut) {
    // It never breaks off.
    let _: ControlFlow<()> = tree.visit(&mut Queries);
}

struct Queries;

impl VisitorMut for Queries {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        match query.body.as_mut() {
            SetExpr::SetOperation { left, right, .. } => {
                in_first(left);
                in_others(right);
            }
            SetExpr::Select(select) => {
                if let Some(order) = &mut query.order_by {
                    by_place(order, select);
                }
                casts(select, query.order_by.as_mut());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn in_first(body: &mut SetExpr) {
    match body {
        SetExpr::SetOperation { left, right, .. } => {
            in_first(left);
            in_others(right);
        }
        SetExpr::Select(select) => casts(select, None),
        _ => {}
    }
}

fn in_others(body: &mut SetExpr) {
    match body {
        SetExpr::SetOperation { left, right, .. } => {
            in_others(left);
            in_others(right);
        }
        SetExpr::Select(select) => {
            repeated_columns(select);
            casts(select, None);
        }
        _ => {}
    }
}

/// Names columns that are there before.
fn repeated_columns(select: &mut Select) {
    let mut seen = BTreeSet::new();
    for (at, item) in select.projection.iter_mut().enumerate() {
        let name = match item {
            SelectItem::UnnamedExpr(expr) => without_casts(expr),
            SelectItem::ExprWithAlias { alias, .. } => alias.value.to_lowercase(),
            _ => continue,
        };
        if seen.insert(name) {
            continue;
        }
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            let alias = Ident::with_quote('"', format!("__column_{at}"));
            *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
        }
    }
}

/// An order by an item that has the name of one of the columns it is made of.
fn by_place(order: &mut OrderBy, select: &Select) {
    let OrderByKind::Expressions(orders) = &mut order.kind else { return };
    if matches!(select.distinct, Some(Distinct::On(_))) {
        return;
    }
    let is_single =
        |item: &&SelectItem| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. });
    for order in orders.iter_mut().filter(|order| !matches!(order.expr, Expr::Identifier(_) | Expr::Value(_)))
    {
        let place = select.projection.iter().take_while(is_single).position(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } => *expr == order.expr && names(expr, alias),
            _ => false,
        });
        if let Some(place) = place {
            order.expr = Expr::Value(Value::Number((place + 1).to_string(), false).into());
        }
    }
}

/// Whether an expression has a column of this name.
fn names(expr: &Expr, alias: &Ident) -> bool {
    struct Finds<'a>(&'a Ident);
    impl Visitor for Finds<'_> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Identifier(name) if name.value.eq_ignore_ascii_case(&self.0.value) => {
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    Visit::visit(expr, &mut Finds(alias)).is_break()
}

/// Calls and keys of groups that differ by their casts alone.
fn casts(select: &mut Select, mut order: Option<&mut OrderBy>) {
    let mut found = Outside::new(|expr: &Expr| matches!(expr, Expr::Cast { .. }));
    let _: ControlFlow<()> = Visit::visit(select, &mut found);
    if !found.any {
        return;
    }
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut add = |expr: &Expr| {
        texts.entry(without_casts(expr)).or_default().insert(expr.to_string());
    };
    if let GroupByExpr::Expressions(keys, _) = &select.group_by {
        keys.iter().for_each(&mut add);
    }
    let mut calls = Outside::new(|expr: &Expr| {
        let is_call = matches!(expr, Expr::Function(_));
        if is_call {
            add(expr);
        }
        is_call
    });
    let _: ControlFlow<()> = Visit::visit(select, &mut calls);
    if let Some(order) = &order {
        let _: ControlFlow<()> = Visit::visit(&**order, &mut calls);
    }
    let mut depths = BTreeMap::new();
    for (name, texts) in texts.into_iter().filter(|(_, texts)| texts.len() > 1) {
        let with_casts = texts.into_iter().filter(|text| text.to_lowercase() != name);
        depths.extend(with_casts.zip(1..));
    }
    if depths.is_empty() {
        return;
    }
    let mut apart = Apart { depths, queries: 0 };
    let _: ControlFlow<()> = select.visit(&mut apart);
    if let Some(order) = &mut order {
        let _: ControlFlow<()> = VisitMut::visit(&mut **order, &mut apart);
    }
}

/// An expression as DataFusion names it, nearly: without casts and tables.
fn without_casts(expr: &Expr) -> String {
    struct Without;
    impl VisitorMut for Without {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            while let Expr::Cast { expr: inner, .. } | Expr::Nested(inner) = expr {
                *expr = inner.as_ref().clone();
            }
            if let Expr::CompoundIdentifier(parts) = expr
                && let Some(last) = parts.pop()
            {
                *expr = Expr::Identifier(last);
            }
            ControlFlow::Continue(())
        }
    }
    let mut expr = expr.clone();
    let _: ControlFlow<()> = VisitMut::visit(&mut expr, &mut Without);
    expr.to_string().to_lowercase()
}

/// Asks of every expression outside of subqueries.
struct Outside<Is> {
    is: Is,
    any: bool,
    /// How many queries the visit is inside of.
    queries: usize,
}

impl<Is: FnMut(&Expr) -> bool> Outside<Is> {
    fn new(is: Is) -> Self {
        Self { is, any: false, queries: 0 }
    }
}

impl<Is: FnMut(&Expr) -> bool> Visitor for Outside<Is> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if self.queries == 0 {
            self.any |= (self.is)(expr);
        }
        ControlFlow::Continue(())
    }
}

/// Puts casts into so many calls of `coalesce`, in expressions of these texts outside of subqueries.
struct Apart {
    depths: BTreeMap<String, usize>,
    queries: usize,
}

impl VisitorMut for Apart {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    /// After its operands, so that what is put around a cast is not visited.
    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.queries == 0
            && let Some(depth) = self.depths.get(&expr.to_string())
        {
            let _: ControlFlow<()> = VisitMut::visit(expr, &mut Enclosing { depth: *depth });
        }
        ControlFlow::Continue(())
    }
}

struct Enclosing {
    depth: usize,
}

impl VisitorMut for Enclosing {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if matches!(expr, Expr::Cast { .. }) {
            for _ in 0..self.depth {
                *expr = coalesce(expr.clone());
            }
        }
        ControlFlow::Continue(())
    }
}

fn coalesce(value: Expr) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new("coalesce")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(value))],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
