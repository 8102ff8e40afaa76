//! SELECT: its clauses, its list of columns, its groups.

use sqlparser::ast::{
    ConnectByKind, Distinct, ExceptSelectItem, ExcludeSelectItem, Expr, Function, GroupByExpr,
    GroupByWithModifier, Ident, NamedWindowDefinition, NamedWindowExpr, Select, SelectFlavor, SelectItem,
    SelectItemQualifiedWildcardKind, Value, WildcardAdditionalOptions,
};

use super::super::walk;
use super::{Walk, Windows, clauses};

impl Walk {
    pub(super) fn select(&mut self, select: &Select) {
        let Select {
            select_token,
            optimizer_hints,
            distinct,
            select_modifiers,
            top,
            // Whether TOP stands before DISTINCT; TOP is refused.
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            // The order of the two words does not matter.
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        self.passed(select_token.0.span);
        self.windows.push(Windows::of(named_window));
        if !optimizer_hints.is_empty() {
            self.refuse_at(&clauses::HINT, select_token.0.span);
        }
        self.refuse_if(select_modifiers.is_some(), &clauses::MODIFIER);
        distinct.iter().for_each(|distinct| self.distinct(distinct));
        self.refuse_if(top.is_some(), &clauses::TOP);
        self.refuse_if(value_table_mode.is_some(), &clauses::VALUE_TABLE);
        match flavor {
            SelectFlavor::Standard | SelectFlavor::FromFirst => {}
            SelectFlavor::FromFirstNoSelect => self.refuse(&clauses::FROM_ALONE),
        }
        projection.iter().for_each(|item| self.select_item(item));
        self.refuse_if(exclude.is_some(), &clauses::EXCLUDE_LIST);
        self.refuse_if(into.is_some(), &clauses::INTO);
        from.iter().for_each(|table| self.table_with_joins(table));
        self.refuse_if(!lateral_views.is_empty(), &clauses::LATERAL_VIEW);
        self.refuse_if(prewhere.is_some(), &clauses::PREWHERE);
        self.refuse_if(selection.as_ref().is_some_and(holds_window), &clauses::WINDOW_IN_WHERE);
        selection.iter().for_each(|condition| self.expr(condition));
        connect_by.iter().for_each(|kind| self.connect_by(kind));
        self.group_by(group_by);
        self.refuse_if(!cluster_by.is_empty(), &clauses::CLUSTER_BY);
        self.refuse_if(!distribute_by.is_empty(), &clauses::DISTRIBUTE_BY);
        self.refuse_if(!sort_by.is_empty(), &clauses::SORT_BY);
        having.iter().for_each(|condition| self.expr(condition));
        named_window.iter().for_each(|window| self.named_window(window));
        qualify.iter().for_each(|condition| self.expr(condition));
        self.leave_windows();
    }

    /// The named windows of a SELECT go, and what was refused of their uses is noted.
    fn leave_windows(&mut self) {
        let refused = self.windows.pop().map_or(Vec::new(), |windows| windows.refused);
        refused.into_iter().for_each(|(clause, span)| self.refuse_at(clause, span));
    }

    fn distinct(&mut self, distinct: &Distinct) {
        match distinct {
            Distinct::On(exprs) => exprs.iter().for_each(|expr| self.expr(expr)),
            Distinct::All | Distinct::Distinct => {}
        }
    }

    fn named_window(&mut self, window: &NamedWindowDefinition) {
        let NamedWindowDefinition(name, window) = window;
        self.ident(name);
        match window {
            NamedWindowExpr::NamedWindow(other) => self.ident(other),
            NamedWindowExpr::WindowSpec(window) => self.window(window),
        }
    }

    fn connect_by(&mut self, kind: &ConnectByKind) {
        match kind {
            ConnectByKind::ConnectBy { connect_token, nocycle: _, relationships: _ } => {
                self.refuse_at(&clauses::CONNECT_BY, connect_token.0.span);
            }
            ConnectByKind::StartWith { start_token, condition: _ } => {
                self.refuse_at(&clauses::START_WITH, start_token.0.span);
            }
        }
    }

    fn select_item(&mut self, item: &SelectItem) {
        match item {
            SelectItem::UnnamedExpr(expr) => self.expr(expr),
            SelectItem::ExprWithAlias { expr, alias } => {
                self.expr(expr);
                self.ident(alias);
            }
            SelectItem::ExprWithAliases { expr, aliases: _ } => {
                self.expr(expr);
                self.refuse(&clauses::SEVERAL_ALIASES);
            }
            SelectItem::Wildcard(options) => self.wildcard(options),
            SelectItem::QualifiedWildcard(kind, options) => {
                match kind {
                    SelectItemQualifiedWildcardKind::ObjectName(name) => self.name(name),
                    SelectItemQualifiedWildcardKind::Expr(expr) => {
                        self.refuse_expr(&clauses::WILDCARD_OF_EXPRESSION, expr);
                    }
                }
                self.wildcard(options);
            }
        }
    }

    fn wildcard(&mut self, options: &WildcardAdditionalOptions) {
        let WildcardAdditionalOptions {
            wildcard_token,
            opt_ilike,
            opt_exclude,
            opt_except,
            opt_replace,
            opt_rename,
            opt_alias,
        } = options;
        self.passed(wildcard_token.0.span);
        self.refuse_if(opt_ilike.is_some(), &clauses::WILDCARD_ILIKE);
        match opt_exclude {
            Some(ExcludeSelectItem::Single(name)) => self.name(name),
            Some(ExcludeSelectItem::Multiple(names)) => names.iter().for_each(|name| self.name(name)),
            None => {}
        }
        if let Some(ExceptSelectItem { first_element, additional_elements }) = opt_except {
            self.ident(first_element);
            additional_elements.iter().for_each(|name: &Ident| self.ident(name));
        }
        self.refuse_if(opt_replace.is_some(), &clauses::WILDCARD_REPLACE);
        self.refuse_if(opt_rename.is_some(), &clauses::WILDCARD_RENAME);
        self.refuse_if(opt_alias.is_some(), &clauses::WILDCARD_ALIAS);
    }

    fn group_by(&mut self, group_by: &GroupByExpr) {
        let modifiers = match group_by {
            GroupByExpr::All(modifiers) => modifiers,
            GroupByExpr::Expressions(exprs, modifiers) => {
                exprs.iter().for_each(|expr| self.group(expr));
                modifiers
            }
        };
        for modifier in modifiers {
            match modifier {
                GroupByWithModifier::Rollup | GroupByWithModifier::Cube | GroupByWithModifier::Totals => {
                    self.refuse(&clauses::GROUP_BY_MODIFIER);
                }
                // `GROUP BY a, GROUPING SETS (...)`, in the words of another dialect.
                GroupByWithModifier::GroupingSets(expr) => {
                    self.refuse_expr(&clauses::GROUP_BY_MODIFIER, expr);
                }
            }
        }
    }

    /// One entry of GROUP BY.
    fn group(&mut self, expr: &Expr) {
        let (sets, takes_tuples) = match expr {
            Expr::GroupingSets(sets) => (sets, true),
            Expr::Rollup(sets) | Expr::Cube(sets) => (sets, false),
            other => return self.expr(other),
        };
        for set in sets {
            for expr in set {
                self.expr(expr);
                let is_position =
                    matches!(expr, Expr::Value(value) if matches!(value.value, Value::Number(..)));
                if is_position {
                    self.refuse_expr(&clauses::GROUPING_POSITION, expr);
                }
            }
            if let (false, [first, _, ..]) = (takes_tuples, set.as_slice()) {
                self.refuse_expr(&clauses::GROUPING_TUPLE, first);
            }
        }
    }
}

/// Whether an expression holds a window call, not counting those in its subqueries.
fn holds_window(expr: &Expr) -> bool {
    let mut found = false;
    walk::own_expressions(expr, |part| {
        found |= matches!(part, Expr::Function(Function { over: Some(_), .. }));
    });
    found
}
