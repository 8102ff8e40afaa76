//! What an assertion asserts, and the operations that find the rows for which it does not hold.

use std::fmt;

use ir::diag::{Diagnostic, SpecPath, codes};
use ir::expr::{NamedExpr, NamedExprs, ScalarExpr};
use ir::op::{Aggregate, Filter, JoinType, Op, Project, Relate};
use ir::origin::{Definition, Place, SpecField};
use ir::spec::{AcceptedValue, Assertion};
use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};

use super::{Places, Step};
use crate::context::Context;
use crate::front::lower::{expression, unique_names};

/// What is asserted, and of which columns.
pub(super) enum Rule<'s> {
    Unique(&'s [String]),
    NotNull(&'s [String]),
    Accepted { column: &'s str, values: &'s [AcceptedValue] },
    Relation { columns: &'s [String], to: &'s str, to_columns: Vec<&'s str> },
    Expression(&'s str),
}

/// How many values a description lists.
const LISTED_VALUES: usize = 8;

impl<'s> Rule<'s> {
    /// The rule of an assertion, unless its form is wrong, which is reported.
    pub(super) fn of(cx: &mut Context<'_>, assertion: &'s Assertion, place: &SpecPath) -> Option<Self> {
        let mut rules: Vec<Self> = Vec::new();
        rules.extend(assertion.unique.as_deref().map(Self::Unique));
        rules.extend(assertion.not_null.as_deref().map(Self::NotNull));
        let accepted = assertion.accepted.as_ref();
        rules.extend(accepted.map(|it| Self::Accepted { column: &it.column, values: &it.values }));
        rules.extend(assertion.relation.as_ref().map(|relation| Self::Relation {
            columns: &relation.columns,
            to: &relation.to,
            to_columns: relation.to_columns.iter().map(String::as_str).collect(),
        }));
        rules.extend(assertion.expression.as_deref().map(Self::Expression));
        let refused = |message: String, place: SpecPath| {
            let found = Diagnostic::new(codes::ASSERTION_FORM, message).at(place);
            found.allowed(["unique", "not_null", "accepted", "relation", "expression"])
        };
        match (rules.pop(), rules.len()) {
            (None, _) => {
                cx.report(refused("the assertion does not say what holds".to_owned(), place.clone()));
                None
            }
            (Some(Self::Relation { columns, to_columns, .. }), 0) if columns.len() != to_columns.len() => {
                let (own, others) = (columns.len(), to_columns.len());
                let message = format!("{own} columns are compared with {others}");
                let place = place.field("relation").field("to_columns");
                cx.report(Diagnostic::new(codes::ASSERTION_FORM, message).at(place));
                None
            }
            (Some(rule), 0) => Some(rule),
            (Some(_), more) => {
                let message = format!("the assertion says {} things at once", more + 1);
                cx.report(refused(message, place.clone()).help("make an assertion of each"));
                None
            }
        }
    }

    /// The name that it has where none is given. `index` is its place among those of its subject.
    pub(super) fn name(&self, index: usize) -> String {
        match self {
            Self::Unique(columns) => format!("unique_{}", columns.join("_")),
            Self::NotNull(columns) => format!("not_null_{}", columns.join("_")),
            Self::Accepted { column, .. } => format!("accepted_{column}"),
            Self::Relation { columns, to, .. } => format!("relation_{}_{to}", columns.join("_")),
            Self::Expression(_) => format!("expression_{}", index + 1),
        }
    }

    /// The field of an assertion that says it.
    pub(super) fn field(&self) -> &'static str {
        match self {
            Self::Unique(_) => "unique",
            Self::NotNull(_) => "not_null",
            Self::Accepted { .. } => "accepted",
            Self::Relation { .. } => "relation",
            Self::Expression(_) => "expression",
        }
    }

    /// The columns by which rows are known, if this says which they are.
    pub(super) fn keys(&self, places: &Places) -> Vec<(&'s str, SpecPath)> {
        let Self::Unique(columns) = self else { return Vec::new() };
        let keys = columns.iter().enumerate();
        keys.map(|(index, column)| (column.as_str(), places.columns.index(index))).collect()
    }

    /// The operations that give the rows that fail, the first over the subject: the columns of the rule, then those of
    /// `keys` that are not among them. Nothing where the rule cannot be read, which is reported.
    pub(super) fn steps(
        &self,
        cx: &mut Context<'_>,
        keys: &[(&str, SpecPath)],
        places: &Places,
        origin: &mut Definition,
    ) -> Option<Vec<Step>> {
        if let Some(subject) = &places.subject {
            origin.record(SpecField::Source(0), subject.clone());
        }
        let steps = match self {
            Self::Unique(columns) => {
                let [groups, repeated] = repeated(columns);
                let project = project(origin, named(cx, columns, places)?);
                vec![project, Step::new("present", all_present(columns)), groups, repeated]
            }
            Self::NotNull(columns) => {
                let project = project(origin, with_keys(named(cx, columns, places)?, keys));
                let missing = columns.iter().map(|column| is_null(column)).reduce(ScalarExpr::or)?;
                vec![project, Step::new("missing", filter(missing))]
            }
            Self::Accepted { column, values } => {
                origin.record(SpecField::Predicate, places.condition.clone());
                let own = vec![((*column).to_owned(), Place::from(places.columns.clone()))];
                let project = project(origin, with_keys(own, keys));
                vec![project, Step::new("other", filter(is_none_of(column, values)))]
            }
            Self::Relation { columns, to, to_columns } => {
                origin.record(SpecField::Source(1), places.to.clone());
                for index in 0..to_columns.len() {
                    origin.record(SpecField::Key(index), places.to_columns.index(index));
                }
                let project = project(origin, with_keys(named(cx, columns, places)?, keys));
                let on = columns.iter().cloned().zip(to_columns.iter().map(|key| (*key).to_owned()));
                let (op, beside) = (without_partner(on.collect()), Some((*to).to_owned()));
                let missing = Step { name: "missing", op, beside };
                vec![project, Step::new("present", all_present(columns)), missing]
            }
            Self::Expression(sql) => {
                let place = Place::of_sql(places.condition.clone(), sql);
                let expr = expression::parse(cx, sql, &place.path)?;
                origin.record(SpecField::Predicate, place.clone());
                let own = expr.columns().into_iter().map(|column| (column, place.clone())).collect();
                let failing = Step::new("failing", filter(negated(expr)));
                let shown = with_keys(own, keys);
                let project = (!shown.is_empty()).then(|| project(origin, shown));
                std::iter::once(failing).chain(project).collect()
            }
        };
        Some(steps)
    }
}

/// Columns with their places, unless one is there twice, which is reported.
fn named(cx: &mut Context<'_>, columns: &[String], places: &Places) -> Option<Vec<(String, Place)>> {
    let list: Vec<(&String, SpecPath)> =
        columns.iter().enumerate().map(|(index, column)| (column, places.columns.index(index))).collect();
    let is_sound = unique_names(cx, list.iter().map(|(column, place)| (column.as_str(), place)));
    is_sound.then(|| list.into_iter().map(|(column, place)| (column.clone(), place.into())).collect())
}

/// The columns, and those keys that are not among them.
fn with_keys(mut columns: Vec<(String, Place)>, keys: &[(&str, SpecPath)]) -> Vec<(String, Place)> {
    for (key, place) in keys {
        if !columns.iter().any(|(column, _)| column == key) {
            columns.push(((*key).to_owned(), place.clone().into()));
        }
    }
    columns
}

/// The columns that are looked at and shown.
fn project(origin: &mut Definition, columns: Vec<(String, Place)>) -> Step {
    for (index, (_, place)) in columns.iter().enumerate() {
        origin.record(SpecField::Column(index), place.clone());
    }
    let columns: NamedExprs = columns.iter().map(|(column, _)| NamedExpr::column(column)).collect();
    Step::new("columns", Op::Project(Project { columns }))
}

/// The groups of several rows. Their number has a name that no key has.
fn repeated(columns: &[String]) -> [Step; 2] {
    let mut rows = "rows".to_owned();
    while columns.contains(&rows) {
        rows.push('_');
    }
    let group_by = columns.iter().map(|column| NamedExpr::column(column)).collect();
    let count = ScalarExpr::call("count", vec![integer(1)]);
    let measures = std::iter::once(NamedExpr::new(&rows, count)).collect();
    let several = ScalarExpr::new(Expr::BinaryOp {
        left: Box::new(ScalarExpr::column(&rows).into_ast()),
        op: BinaryOperator::Gt,
        right: Box::new(integer(1).into_ast()),
    });
    [
        Step::new("groups", Op::Aggregate(Aggregate { group_by, measures })),
        Step::new("repeated", filter(several)),
    ]
}

/// True for the rows for which an expression is false.
fn negated(expr: ScalarExpr) -> ScalarExpr {
    let expr = Box::new(Expr::Nested(Box::new(expr.into_ast())));
    ScalarExpr::new(Expr::UnaryOp { op: UnaryOperator::Not, expr })
}

fn filter(predicate: ScalarExpr) -> Op {
    Op::Filter(Filter { predicate })
}

fn all_present(columns: &[String]) -> Op {
    let present =
        |column: &String| ScalarExpr::new(Expr::IsNotNull(Box::new(ScalarExpr::column(column).into_ast())));
    // The loader refuses lists without columns.
    let all = columns.iter().map(present).reduce(ScalarExpr::and);
    filter(all.unwrap_or_else(|| ScalarExpr::new(Expr::Value(Value::Boolean(true).into()))))
}

fn is_null(column: &str) -> ScalarExpr {
    ScalarExpr::new(Expr::IsNull(Box::new(ScalarExpr::column(column).into_ast())))
}

fn is_none_of(column: &str, values: &[AcceptedValue]) -> ScalarExpr {
    let value = |value: &AcceptedValue| match value {
        AcceptedValue::Bool(value) => Expr::Value(Value::Boolean(*value).into()),
        AcceptedValue::Integer(value) => integer(*value).into_ast(),
        AcceptedValue::Text(value) => ScalarExpr::text(value).into_ast(),
    };
    ScalarExpr::new(Expr::InList {
        expr: Box::new(ScalarExpr::column(column).into_ast()),
        list: values.iter().map(value).collect(),
        negated: true,
    })
}

fn integer(value: i64) -> ScalarExpr {
    let magnitude = Expr::Value(Value::Number(value.unsigned_abs().to_string(), false).into());
    if value >= 0 {
        return ScalarExpr::new(magnitude);
    }
    ScalarExpr::new(Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(magnitude) })
}

/// The rows without a row of equal keys on the other side.
fn without_partner(on: Vec<(String, String)>) -> Op {
    Op::Relate(Relate { join_type: JoinType::Anti, on, span: None, select: None, suffix: None })
}

/// For people: `unique: id`.
impl fmt::Display for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unique(columns) => write!(f, "unique: {}", columns.join(", ")),
            Self::NotNull(columns) => write!(f, "not_null: {}", columns.join(", ")),
            Self::Accepted { column, values } => {
                let shown = values.iter().take(LISTED_VALUES).map(|value| match value {
                    AcceptedValue::Bool(value) => value.to_string(),
                    AcceptedValue::Integer(value) => value.to_string(),
                    AcceptedValue::Text(value) => value.clone(),
                });
                let more = if values.len() > LISTED_VALUES { ", ..." } else { "" };
                write!(f, "accepted: {column} in ({}{more})", shown.collect::<Vec<_>>().join(", "))
            }
            Self::Relation { columns, to, to_columns } => {
                write!(f, "relation: ({}) in {to} ({})", columns.join(", "), to_columns.join(", "))
            }
            Self::Expression(sql) => {
                write!(f, "expression: {}", sql.split_whitespace().collect::<Vec<_>>().join(" "))
            }
        }
    }
}
