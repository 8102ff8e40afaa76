//! Expressions that DataFusion gives one name, told apart.
//!
//! | written | becomes | why |
//! |---|---|---|
//! | `sum(v) AS a, sum(CAST(v AS DOUBLE)) AS b` | `coalesce(CAST(v AS DOUBLE))` in the second | DataFusion leaves casts out of names, so both are `sum(v)`; the optimizer takes the `coalesce` away |
//! | `GROUP BY v, CAST(v AS VARCHAR)` | likewise | likewise |
//! | `SELECT k AS v, CAST(v AS VARCHAR) AS t ... GROUP BY k, CAST(v AS VARCHAR) ORDER BY v` | likewise | the `v` in the order is taken for the cast |
//! | `SELECT sum(v) AS v ... ORDER BY sum(v)` | `ORDER BY 1` | the `v` in the order is taken for the sum |
//! | `... UNION ALL SELECT v, v` | `v AS "__column_1"` for the second | names of all but the first query mean nothing |

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    GroupByExpr, Ident, ObjectName, OrderBy, OrderByKind, Query, Select, SelectItem, SetExpr, Value,
    VisitMut, VisitorMut,
};
use ir::expr::{normalize, walk};

/// Tells them apart in every query of the tree.
pub(super) fn told_apart(tree: &mut impl VisitMut) {
    // It never breaks off.
    let _ = walk::visit_mut(tree, &mut Queries);
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
    let alias = normalize(alias);
    let mut found = false;
    walk::own_expressions(expr, |part| {
        found |= matches!(part, Expr::Identifier(name) if normalize(name) == alias)
    });
    found
}

/// Calls and keys of groups that differ by their casts alone.
fn casts(select: &mut Select, mut order: Option<&mut OrderBy>) {
    let mut has_casts = false;
    walk::own_expressions(select, |expr| has_casts |= matches!(expr, Expr::Cast { .. }));
    if !has_casts {
        return;
    }
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut add = |expr: &Expr| {
        texts.entry(without_casts(expr)).or_default().insert(expr.to_string());
    };
    if let GroupByExpr::Expressions(keys, _) = &select.group_by {
        keys.iter().for_each(&mut add);
    }
    let mut add_call = |expr: &Expr| {
        if matches!(expr, Expr::Function(_)) {
            add(expr);
        }
    };
    walk::own_expressions(select, &mut add_call);
    if let Some(order) = &order {
        walk::own_expressions(*order, &mut add_call);
    }
    for item in &select.projection {
        // What is ordered by is looked for by name among the keys, too.
        if let SelectItem::ExprWithAlias { expr, alias } = item
            && let Some(texts) = texts.get_mut(&alias.value.to_lowercase())
            && without_casts(expr) != alias.value.to_lowercase()
        {
            texts.insert(alias.value.clone());
        }
    }
    let mut depths = BTreeMap::new();
    for (name, texts) in texts.into_iter().filter(|(_, texts)| texts.len() > 1) {
        let with_casts = texts.into_iter().filter(|text| text.to_lowercase() != name);
        depths.extend(with_casts.zip(1..));
    }
    if depths.is_empty() {
        return;
    }
    let mut enclose = |expr: &mut Expr| {
        if let Some(depth) = depths.get(&expr.to_string()) {
            enclose_casts(expr, *depth);
        }
    };
    walk::own_expressions_mut(select, &mut enclose);
    if let Some(order) = &mut order {
        walk::own_expressions_mut(*order, &mut enclose);
    }
}

/// Puts the casts of an expression into so many calls of `coalesce`.
fn enclose_casts(expr: &mut Expr, depth: usize) {
    walk::own_expressions_mut(expr, |part| {
        if matches!(part, Expr::Cast { .. }) {
            for _ in 0..depth {
                *part = coalesce(part.clone());
            }
        }
    });
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
    let _ = walk::visit_mut(&mut expr, &mut Without);
    expr.to_string().to_lowercase()
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
