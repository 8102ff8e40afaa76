//! Expressions, and how they are written in SQL.

use std::fmt;

use super::Measure;
use crate::value::{Type, Value};

/// An expression over the columns of one row.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are those of SQL")]
pub enum Expr {
    /// A column; with a relation where there are several.
    Column(Option<&'static str>, String),
    Literal(Value, Type),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    IsNull(Box<Expr>, bool),
    Not(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    /// The expression, the list, and whether it must not be in it.
    In(Box<Expr>, Vec<Expr>, bool),
    Between(Box<Expr>, Box<Expr>, Box<Expr>),
    Arithmetic(Operation, Box<Expr>, Box<Expr>),
    Case(Vec<(Expr, Expr)>, Option<Box<Expr>>),
    Coalesce(Vec<Expr>),
    Call(Call, Vec<Expr>),
    /// A field of a struct: the first or the second.
    Field(Box<Expr>, usize),
    Cast(Box<Expr>, Type),
    Subquery(Box<Subquery>),
    /// A parameter: its number, which is any, and its value.
    Placeholder(usize, Value, Type),
    /// Another value for every row.
    Fresh(Fresh),
}

/// A function that gives another value for every row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they have the names of SQL")]
pub enum Fresh {
    Uuid,
    Random,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    /// NULL is a value like others.
    Distinct,
    NotDistinct,
}

/// What is computed of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Operation {
    Add,
    Subtract,
    Multiply,
    /// Only below a condition that excludes zero.
    Divide,
    Remainder,
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they have the names of SQL")]
pub enum Call {
    Concat,
    Upper,
    Length,
    Left,
    Cardinality,
    Abs,
    NullIf,
}

/// A query inside of an expression, over a relation called `q`.
#[derive(Clone, Debug)]
pub struct Subquery {
    /// What is asked.
    pub kind: SubqueryKind,
    /// The relation.
    pub source: String,
    /// Columns of it that must equal a value of the row outside.
    pub correlated: Vec<(String, Expr)>,
    /// Which of its rows take part.
    pub filter: Option<Expr>,
}

/// What a subquery is asked.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are those of SQL")]
pub enum SubqueryKind {
    /// Whether there is a row, or none.
    Exists { negated: bool },
    /// Whether a value is among those of a column.
    In { value: Expr, column: String, negated: bool },
    /// An aggregate of its rows.
    Scalar(Measure),
}

impl Expr {
    /// The expressions that it is made of, without those of subqueries.
    #[must_use]
    pub fn operands(&self) -> Vec<&Self> {
        match self {
            Self::Column(..)
            | Self::Literal(..)
            | Self::Subquery(_)
            | Self::Placeholder(..)
            | Self::Fresh(_) => Vec::new(),
            Self::Compare(_, a, b) | Self::And(a, b) | Self::Or(a, b) | Self::Arithmetic(_, a, b) => {
                vec![a, b]
            }
            Self::IsNull(value, _) | Self::Not(value) | Self::Field(value, _) | Self::Cast(value, _) => {
                vec![value]
            }
            Self::In(value, values, _) => std::iter::once(value.as_ref()).chain(values).collect(),
            Self::Between(value, low, high) => vec![value, low, high],
            Self::Case(branches, otherwise) => {
                let branches = branches.iter().flat_map(|(condition, value)| [condition, value]);
                branches.chain(otherwise.as_deref()).collect()
            }
            Self::Coalesce(values) | Self::Call(_, values) => values.iter().collect(),
        }
    }
}

impl Subquery {
    /// The expressions that it is written with.
    #[must_use]
    pub fn expressions(&self) -> Vec<&Expr> {
        let asked = match &self.kind {
            SubqueryKind::Exists { .. } => Vec::new(),
            SubqueryKind::In { value, .. } => vec![value],
            SubqueryKind::Scalar(measure) => measure.argument.iter().chain(&measure.filter).collect(),
        };
        self.correlated.iter().map(|(_, value)| value).chain(&self.filter).chain(asked).collect()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Distinct => "IS DISTINCT FROM",
            Self::NotDistinct => "IS NOT DISTINCT FROM",
        })
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        })
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |values: &[Self]| values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match self {
            Self::Column(None, name) => f.write_str(name),
            Self::Column(Some(relation), name) => write!(f, "{relation}.{name}"),
            Self::Literal(value, of) => f.write_str(&value.sql(*of)),
            Self::Compare(how, left, right) => write!(f, "({left} {how} {right})"),
            Self::IsNull(value, false) => write!(f, "({value} IS NULL)"),
            Self::IsNull(value, true) => write!(f, "({value} IS NOT NULL)"),
            Self::Not(value) => write!(f, "(NOT {value})"),
            Self::And(left, right) => write!(f, "({left} AND {right})"),
            Self::Or(left, right) => write!(f, "({left} OR {right})"),
            Self::In(value, values, negated) => {
                write!(f, "({value} {}IN ({}))", if *negated { "NOT " } else { "" }, list(values))
            }
            Self::Between(value, low, high) => write!(f, "({value} BETWEEN {low} AND {high})"),
            Self::Arithmetic(how, left, right) => write!(f, "({left} {how} {right})"),
            Self::Case(branches, otherwise) => {
                f.write_str("CASE")?;
                for (condition, value) in branches {
                    write!(f, " WHEN {condition} THEN {value}")?;
                }
                if let Some(value) = otherwise {
                    write!(f, " ELSE {value}")?;
                }
                f.write_str(" END")
            }
            Self::Coalesce(values) => write!(f, "coalesce({})", list(values)),
            Self::Call(Call::Concat, values) => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(f, "({})", values.join(" || "))
            }
            Self::Call(function, values) => {
                let name = match function {
                    Call::Concat => "concat",
                    Call::Upper => "upper",
                    Call::Length => "length",
                    Call::Left => "left",
                    Call::Cardinality => "array_length",
                    Call::Abs => "abs",
                    Call::NullIf => "nullif",
                };
                // Lengths are of other integer types.
                match function {
                    Call::Length | Call::Cardinality => write!(f, "CAST({name}({}) AS BIGINT)", list(values)),
                    _ => write!(f, "{name}({})", list(values)),
                }
            }
            Self::Field(value, index) => write!(f, "{value}['{}']", if *index == 0 { "a" } else { "b" }),
            Self::Cast(value, to) => write!(f, "CAST({value} AS {})", to.sql()),
            Self::Subquery(query) => query.fmt(f),
            Self::Placeholder(number, ..) => write!(f, "${number}"),
            Self::Fresh(Fresh::Uuid) => f.write_str("uuid()"),
            Self::Fresh(Fresh::Random) => f.write_str("CAST(random() AS VARCHAR)"),
        }
    }
}

impl fmt::Display for Subquery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut conditions: Vec<String> =
            self.correlated.iter().map(|(column, value)| format!("q.{column} = {value}")).collect();
        conditions.extend(self.filter.iter().map(ToString::to_string));
        let filter = if conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", conditions.join(" AND "))
        };
        let source = &self.source;
        match &self.kind {
            SubqueryKind::Exists { negated } => {
                let negation = if *negated { "NOT " } else { "" };
                write!(f, "({negation}EXISTS (SELECT 1 FROM {source} AS q{filter}))")
            }
            SubqueryKind::In { value, column, negated } => {
                let negation = if *negated { "NOT " } else { "" };
                write!(f, "({value} {negation}IN (SELECT q.{column} FROM {source} AS q{filter}))")
            }
            SubqueryKind::Scalar(measure) => write!(f, "(SELECT {measure} FROM {source} AS q{filter})"),
        }
    }
}
