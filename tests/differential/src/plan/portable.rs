//! A view as one query that other engines understand, over tables with the rows of what it reads.

use super::{Expr, JoinKind, Op, Plan, Relate, Side, SpanRelation, View};

/// The query in the dialect of DuckDB; nothing for views that no other engine has (identifiers, graphs, logs, the innermost
/// container) or whose rows are not determined.
#[must_use]
pub fn portable_query(plan: &Plan, view: &View) -> Option<String> {
    let is_fresh = |expr: &&Expr| matches!(expr, Expr::Fresh(_));
    if view.is_open() || view.op.all_expressions().iter().any(is_fresh) {
        return None;
    }
    let mut text = match &view.op {
        Op::Filter { source, predicate } => format!("SELECT * FROM {source} WHERE {predicate}"),
        Op::Project { source, columns } => {
            let columns: Vec<String> =
                columns.iter().map(|(name, expr)| format!("{expr} AS {name}")).collect();
            format!("SELECT {} FROM {source}", columns.join(", "))
        }
        Op::Aggregate { source, group } => {
            let columns = group.columns();
            let keys: Vec<String> = group.keys.iter().map(|(_, key)| key.to_string()).collect();
            let grouped =
                if keys.is_empty() { String::new() } else { format!(" GROUP BY {}", keys.join(", ")) };
            format!("SELECT {} FROM {source}{grouped}", columns.join(", "))
        }
        Op::Window { source, columns } => {
            let columns: Vec<String> =
                columns.iter().map(|(name, call)| format!("{call} AS {name}")).collect();
            format!("SELECT *, {} FROM {source}", columns.join(", "))
        }
        Op::Unnest { source, column, alias, keep_empty } => {
            let columns: Vec<String> = view
                .columns
                .iter()
                .map(|(name, _)| if name == alias { format!("u.x AS {alias}") } else { format!("s.{name}") })
                .collect();
            let kept = if *keep_empty { "LEFT JOIN" } else { "JOIN" };
            let columns = columns.join(", ");
            format!(
                "SELECT {columns} FROM {source} AS s {kept} LATERAL (SELECT unnest(s.{column}) AS x) AS u ON true"
            )
        }
        Op::Union { sources, discriminator, distinct } => {
            let part = |source: &String| match discriminator {
                Some(name) => format!("SELECT '{source}' AS {name}, * FROM {source}"),
                None => format!("SELECT * FROM {source}"),
            };
            let word = if *distinct { " UNION BY NAME " } else { " UNION ALL BY NAME " };
            sources.iter().map(part).collect::<Vec<_>>().join(word)
        }
        Op::Relate(relate) => join(relate)?,
        Op::Query(query) => {
            query.to_string().replace("LEFT SEMI JOIN", "SEMI JOIN").replace("LEFT ANTI JOIN", "ANTI JOIN")
        }
        Op::Normalize(_) | Op::Graph(_) | Op::Log(..) => return None,
    };
    for expr in view.op.all_expressions() {
        if let Expr::Placeholder(number, value, of) = expr {
            text = text.replace(&format!("${number}"), &value.sql(*of));
        }
    }
    for filter in plan.filters.iter().filter(|filter| filter.is_of(&view.name, false, &view.columns)) {
        let value = filter.value.sql(filter.of);
        text = format!("SELECT * FROM ({text}) WHERE {} IS NOT DISTINCT FROM {value}", filter.column);
    }
    Some(text)
}

fn join(relate: &Relate) -> Option<String> {
    let word = match relate.kind {
        JoinKind::Inner => "JOIN",
        JoinKind::Left => "LEFT JOIN",
        JoinKind::Right => "RIGHT JOIN",
        JoinKind::Full => "FULL JOIN",
        JoinKind::Semi => "SEMI JOIN",
        JoinKind::Anti => "ANTI JOIN",
    };
    let mut conditions: Vec<String> =
        relate.on.iter().map(|(left, right)| format!("l.{left} = r.{right}")).collect();
    if let Some(span) = &relate.span {
        if span.innermost {
            return None;
        }
        let ([a, b], [c, d]) = (&span.left, &span.right);
        conditions.push(format!("l.{a} <= l.{b} AND r.{c} <= r.{d}"));
        conditions.push(match span.relation {
            SpanRelation::Contains => format!("l.{a} <= r.{c} AND r.{d} <= l.{b}"),
            SpanRelation::Within => format!("r.{c} <= l.{a} AND l.{b} <= r.{d}"),
            SpanRelation::Overlaps => format!("l.{a} < r.{d} AND r.{c} < l.{b}"),
            SpanRelation::Equals => format!("l.{a} = r.{c} AND l.{b} = r.{d}"),
        });
    }
    let columns: Vec<String> = relate
        .select
        .iter()
        .map(|(side, column, name)| {
            format!("{}.{column} AS {name}", if *side == Side::Left { "l" } else { "r" })
        })
        .collect();
    let columns = if columns.is_empty() { "l.*".to_owned() } else { columns.join(", ") };
    let (left, right) = (&relate.left, &relate.right);
    Some(format!("SELECT {columns} FROM {left} AS l {word} {right} AS r ON {}", conditions.join(" AND ")))
}
