//! Which properties of specs and tables met in the cases that were tried.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::generate::Case;
use crate::plan::{
    Aggregate, Body, Call, Comparison, Expr, From, GraphTable, JoinKind, Op, Operation, Plan, Relate,
    SpanRelation, SubqueryKind, WindowFunction,
};
use crate::table::{Statistics, Table};
use crate::value::{Type, Value};

/// A property that a case has or not, in the words of the table.
pub type Property = String;

/// All properties that cases can have.
#[must_use]
pub fn properties() -> Vec<Property> {
    let mut all: Vec<Property> = TRANSFORMS.map(|kind| format!("transform {kind}")).to_vec();
    all.extend(GraphTable::ALL.map(|table| format!("graph {table:?}")));
    all.extend(["select", "group", "set", "window", "limit", "distinct"].map(|form| format!("query {form}")));
    for kind in JoinKind::ALL {
        all.push(format!("join {kind:?}"));
        all.push(format!("query join {kind:?}"));
    }
    all.extend(SpanRelation::ALL.map(|relation| format!("span {relation:?}")));
    all.push("span innermost".to_owned());
    all.push("join suffix".to_owned());
    all.extend(Type::ALL.iter().chain(&[Type::Token]).map(|of| format!("type {of:?}")));
    all.extend(EXPRESSIONS.map(|name| format!("expression {name}")));
    all.extend(Aggregate::ALL.map(|function| format!("aggregate {}", function.name())));
    all.extend(["aggregate DISTINCT", "aggregate FILTER", "window frame", "window whole"].map(str::to_owned));
    all.extend(WindowFunction::ALL.map(|function| format!("window {function:?}")));
    all.extend(
        [
            "sort_by",
            "partition_by",
            "ForceCache",
            "NeverCache",
            "version_pin",
            "several outputs",
            "shared view",
            "parameter",
            "row filter",
            "append",
            "place spelled otherwise",
            "rows that come first",
            "written table read",
        ]
        .map(|option| format!("option {option}")),
    );
    all.extend(
        [
            "partitions",
            "deletion vector",
            "copy",
            "several files",
            "several versions",
            "raw paths",
            "no rows",
            "NaN",
            "minus zero",
            "infinity",
            "NULL",
            "no statistics",
            "some statistics",
            "all statistics",
            "change feed",
            "narrow numbers",
        ]
        .map(|property| format!("input {property}")),
    );
    all
}

const TRANSFORMS: [&str; 12] = [
    "Filter",
    "Project",
    "Aggregate",
    "Window",
    "Unnest",
    "Union",
    "Sql",
    "Normalize",
    "CpgEmit",
    "IncrementalCdf",
    "Metadata",
    "FileManifest",
];

const EXPRESSIONS: [&str; 20] = [
    "comparison",
    "IS DISTINCT",
    "IS NULL",
    "NOT",
    "AND",
    "OR",
    "IN",
    "BETWEEN",
    "arithmetic",
    "division",
    "CASE",
    "coalesce",
    "call",
    "nullif",
    "field",
    "CAST",
    "EXISTS",
    "IN query",
    "scalar query",
    "fresh",
];

/// What an expression is, in the words of the table; columns and literals are in all of them.
fn name_of(expr: &Expr) -> Option<&'static str> {
    Some(match expr {
        Expr::Column(..) | Expr::Literal(..) | Expr::Placeholder(..) => return None,
        Expr::Fresh(_) => "fresh",
        Expr::Compare(Comparison::Distinct | Comparison::NotDistinct, ..) => "IS DISTINCT",
        Expr::Compare(..) => "comparison",
        Expr::IsNull(..) => "IS NULL",
        Expr::Not(_) => "NOT",
        Expr::And(..) => "AND",
        Expr::Or(..) => "OR",
        Expr::In(..) => "IN",
        Expr::Between(..) => "BETWEEN",
        Expr::Arithmetic(Operation::Divide | Operation::Remainder, ..) => "division",
        Expr::Arithmetic(..) => "arithmetic",
        Expr::Case(..) => "CASE",
        Expr::Coalesce(_) => "coalesce",
        Expr::Call(Call::NullIf, _) => "nullif",
        Expr::Call(..) => "call",
        Expr::Field(..) => "field",
        Expr::Cast(..) => "CAST",
        Expr::Subquery(query) => match query.kind {
            SubqueryKind::Exists { .. } => "EXISTS",
            SubqueryKind::In { .. } => "IN query",
            SubqueryKind::Scalar(_) => "scalar query",
        },
    })
}

/// How many cases had each pair of properties.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    cases: u64,
    pairs: BTreeMap<(Property, Property), u64>,
}

impl Coverage {
    /// Counts a case.
    pub fn add(&mut self, case: &Case) {
        self.cases += 1;
        let found: Vec<Property> = of_case(case).into_iter().collect();
        for (at, one) in found.iter().enumerate() {
            for other in &found[at + 1..] {
                *self.pairs.entry((one.clone(), other.clone())).or_default() += 1;
            }
        }
    }

    /// The pairs that no case had.
    #[must_use]
    pub fn missing(&self) -> Vec<(Property, Property)> {
        let mut all = properties();
        all.sort();
        let pairs = all
            .iter()
            .enumerate()
            .flat_map(|(at, one)| all[at + 1..].iter().map(move |other| (one.clone(), other.clone())));
        pairs.filter(|pair| !self.pairs.contains_key(pair)).collect()
    }
}

impl fmt::Display for Coverage {
    /// A line for each property: the cases that had it with the one it met least.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = properties();
        all.sort();
        writeln!(
            f,
            "{} cases; for each property the one that it met least, and in how many cases",
            self.cases
        )?;
        for one in &all {
            let met = |other: &Property| {
                let pair =
                    if one < other { (one.clone(), other.clone()) } else { (other.clone(), one.clone()) };
                self.pairs.get(&pair).copied().unwrap_or(0)
            };
            let least = all.iter().filter(|other| *other != one).min_by_key(|other| met(other));
            if let Some(least) = least {
                writeln!(f, "{one:24} {least:24} {}", met(least))?;
            }
        }
        Ok(())
    }
}

/// The properties of a case: of what its outputs need.
fn of_case(case: &Case) -> BTreeSet<Property> {
    let mut found = BTreeSet::new();
    let mut add = |property: String| {
        found.insert(property);
    };
    case.rounds.iter().for_each(|plan| of_plan(plan, &case.tables, &mut add));
    found
}

fn of_plan(plan: &Plan, tables: &[Table], add: &mut impl FnMut(String)) {
    for view in &plan.views {
        of_operation(&view.op, add);
        let readers =
            plan.views.iter().flat_map(|other| other.op.sources()).filter(|source| *source == view.name);
        let written = plan.outputs.iter().filter(|output| output.view == view.name);
        if readers.count() + written.count() > 1 {
            add("option shared view".to_owned());
        }
        if view.is_open() {
            add("option rows that come first".to_owned());
        }
    }
    for output in &plan.outputs {
        let options = [
            ("sort_by", !output.sort_by.is_empty()),
            ("partition_by", !output.partition_by.is_empty()),
            ("append", output.appends),
        ];
        options.into_iter().filter(|(_, has)| *has).for_each(|(name, _)| add(format!("option {name}")));
        // Types that are written are read, whatever is between.
        let input = plan.inputs.iter().find(|input| input.name == output.view).map(|input| &input.columns);
        let view = plan.views.iter().find(|view| view.name == output.view).map(|view| &view.columns);
        let columns = view.or(input).into_iter().flatten();
        columns.for_each(|(_, of)| add(format!("type {of:?}")));
    }
    let is_given = |expr: &&Expr| matches!(expr, Expr::Placeholder(..));
    let options = [
        ("several outputs", plan.outputs.len() > 1),
        ("ForceCache", !plan.cache[0].is_empty()),
        ("NeverCache", !plan.cache[1].is_empty()),
        ("row filter", !plan.filters.is_empty()),
        ("parameter", plan.views.iter().any(|view| view.op.all_expressions().iter().any(is_given))),
        ("version_pin", plan.inputs.iter().any(|input| input.version.is_some())),
        (
            "place spelled otherwise",
            plan.inputs.iter().any(|input| {
                input.location != input.table && input.location != format!("tables/{}", input.table)
            }),
        ),
        (
            "written table read",
            plan.inputs.iter().any(|input| !tables.iter().any(|table| table.name == input.table)),
        ),
    ];
    options.into_iter().filter(|(_, has)| *has).for_each(|(name, _)| add(format!("option {name}")));
    let is_read = |table: &&Table| plan.inputs.iter().any(|input| input.table == table.name);
    tables.iter().filter(is_read).for_each(|table| of_table(table, add));
}

fn of_operation(op: &Op, add: &mut impl FnMut(String)) {
    match op {
        Op::Relate(Relate { kind, span, suffix, .. }) => {
            add(format!("join {kind:?}"));
            if suffix.is_some() {
                add("join suffix".to_owned());
            }
            if let Some(span) = span {
                add(format!("span {:?}", span.relation));
                if span.innermost {
                    add("span innermost".to_owned());
                }
            }
        }
        other => add(format!("transform {}", other.kind())),
    }
    if let Op::Graph(graph) = op {
        add(format!("graph {:?}", graph.table));
    }
    for expr in op.all_expressions() {
        name_of(expr).into_iter().for_each(|name| add(format!("expression {name}")));
    }
    for measure in op.measures() {
        add(format!("aggregate {}", measure.function.name()));
        let forms = [("DISTINCT", measure.distinct), ("FILTER", measure.filter.is_some())];
        forms.into_iter().filter(|(_, has)| *has).for_each(|(form, _)| add(format!("aggregate {form}")));
    }
    for call in op.windows() {
        add(format!("window {:?}", call.function));
        if call.function.takes_a_frame() {
            add(format!("window {}", if call.frame.is_some() { "frame" } else { "whole" }));
        }
    }
    let Op::Query(query) = op else { return };
    if query.limit.is_some() {
        add("query limit".to_owned());
    }
    if matches!(query.body, Body::Set(..)) {
        add("query set".to_owned());
    }
    for select in query.body.selects() {
        if let From::Join { kind, .. } = &select.from {
            add(format!("query join {kind:?}"));
        }
        let forms = [
            ("select", true),
            ("group", select.group.is_some()),
            ("window", !select.windows.is_empty()),
            ("distinct", select.distinct),
        ];
        forms.into_iter().filter(|(_, has)| *has).for_each(|(form, _)| add(format!("query {form}")));
    }
}

fn of_table(table: &Table, add: &mut impl FnMut(String)) {
    let rows = table.rows(None);
    let any = |wanted: fn(&Value) -> bool| rows.iter().flatten().any(wanted);
    let statistics = match table.layout.statistics {
        Statistics::None | Statistics::Rows => "no statistics",
        Statistics::Some => "some statistics",
        Statistics::All => "all statistics",
    };
    let properties = [
        ("partitions", !table.partition_by.is_empty()),
        ("deletion vector", table.has_deletion_vectors()),
        ("copy", table.name == "copy"),
        ("several files", table.commits.iter().map(|commit| commit.files.len()).sum::<usize>() > 1),
        ("several versions", table.commits.len() > 1),
        ("raw paths", table.layout.raw_paths && !table.partition_by.is_empty()),
        ("no rows", rows.is_empty()),
        ("NaN", any(|value| matches!(value, Value::Float(value) if value.is_nan()))),
        (
            "minus zero",
            any(|value| matches!(value, Value::Float(value) if *value == 0.0 && value.is_sign_negative())),
        ),
        ("infinity", any(|value| matches!(value, Value::Float(value) if value.is_infinite()))),
        ("NULL", any(Value::is_null)),
        (statistics, true),
        ("change feed", table.layout.feed),
        ("narrow numbers", table.layout.narrow),
    ];
    properties.into_iter().filter(|(_, has)| *has).for_each(|(property, _)| add(format!("input {property}")));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::TRANSFORMS;

    /// A transform that is new must be generated.
    #[test]
    fn every_transform_is_met() {
        // Its properties are those of the kinds of joins.
        let met: BTreeSet<&str> = TRANSFORMS.into_iter().chain(["Relate"]).collect();
        assert_eq!(met, ir::spec::Transform::KINDS.iter().copied().collect());
    }
}
