//! Specs that are generated: the shapes in which views depend on each other.

use serde_json::{Value, json};

/// Views in a layer of [`layered`].
const WIDTH: usize = 10;

/// A spec over tables by name and location, with views by name and transform; some of the views are outputs under a
/// name of their own.
pub(crate) fn spec(
    inputs: &[(String, String)],
    views: &[(String, Value)],
    outputs: &[(&str, &str)],
) -> Value {
    let inputs =
        inputs.iter().map(|(name, location)| json!({"logical_name": name, "delta_location": location}));
    let views = views.iter().map(|(name, transform)| json!({"name": name, "transform": transform}));
    let outputs = outputs.iter().map(|(table, view)| json!({"table_name": table, "source_view": view}));
    json!({
        "version": 4, "input_relations": inputs.collect::<Vec<_>>(), "view_definitions": views.collect::<Vec<_>>(),
        "output_targets": outputs.collect::<Vec<_>>(),
    })
}

/// A view that is a query.
pub(crate) fn sql(query: impl Into<String>) -> Value {
    json!({"kind": "Sql", "query": query.into()})
}

/// Views over a table with the columns `k`, `a`, `b`, where each joins a view of the layer before it with an early
/// one. The last layer is written. One view can be given another predicate.
pub(crate) fn layered(table: &str, views: usize, changed: Option<usize>) -> Value {
    let inputs: Vec<_> = (0..WIDTH).map(|view| (name(view), table.to_owned())).collect();
    let views: Vec<_> = (WIDTH..WIDTH + views)
        .map(|view| {
            let least = if changed == Some(view - WIDTH) { view + 1 } else { view };
            let (near, far) = (view - WIDTH, (view - WIDTH) / 2);
            let query = format!(
                "SELECT x.k, x.a + y.b AS a, y.b FROM m{near} x JOIN m{far} y ON x.k = y.k WHERE x.a > {least}"
            );
            (name(view), sql(query))
        })
        .collect();
    let last: Vec<_> =
        views.iter().rev().take(WIDTH).map(|(name, _)| (format!("out_{name}"), name.clone())).collect();
    let outputs: Vec<_> = last.iter().map(|(table, view)| (table.as_str(), view.as_str())).collect();
    spec(&inputs, &views, &outputs)
}

/// Views that each join the one before with itself: a tree of them would have `2^depth` leaves.
pub(crate) fn diamond(table: &str, depth: usize) -> Value {
    let query = |view: usize| {
        format!("SELECT x.k, x.a + y.b AS a, y.b FROM m{0} x JOIN m{0} y ON x.k = y.k", view - 1)
    };
    one_after_another(table, depth, &|view| sql(query(view)))
}

/// Queries that each filter and compute over the one before.
pub(crate) fn chain(table: &str, length: usize) -> Value {
    let query = |view: usize| format!("SELECT k, a + {view} AS a, b FROM m{} WHERE b > -{view}", view - 1);
    one_after_another(table, length, &|view| sql(query(view)))
}

/// The same as [`chain`], with a `Filter` and a `Project` in turn instead of queries.
pub(crate) fn chain_of_transforms(table: &str, length: usize) -> Value {
    one_after_another(table, length, &|view| {
        let source = format!("m{}", view - 1);
        if view % 2 == 1 {
            return json!({"kind": "Filter", "source": source, "predicate": format!("b > -{view}")});
        }
        let computed = json!({"name": "a", "expr": format!("a + {view}")});
        json!({"kind": "Project", "source": source, "columns": ["k", computed, "b"]})
    })
}

/// Ten queries one after another over a wide table; each computes all columns and filters by one.
pub(crate) fn wide(table: &str, columns: &[String]) -> Value {
    one_after_another(table, 10, &|view| {
        let computed: Vec<String> =
            columns.iter().map(|column| format!("{column} + {view} AS {column}")).collect();
        let tested = columns.get(view * columns.len() / 20).map_or("1", String::as_str);
        sql(format!("SELECT {} FROM m{} WHERE {tested} > -{view}", computed.join(", "), view - 1))
    })
}

fn one_after_another(table: &str, views: usize, transform: &dyn Fn(usize) -> Value) -> Value {
    let views_of: Vec<_> = (1..=views).map(|view| (name(view), transform(view))).collect();
    spec(&[(name(0), table.to_owned())], &views_of, &[("out", &name(views))])
}

fn name(view: usize) -> String {
    format!("m{view}")
}
