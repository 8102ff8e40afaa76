//! Accepted values of a column: each is one of the column's type.
//!
//! ```text
//! v@accepted_kind.other = filter v@accepted_kind.columns predicate=(kind NOT IN ('a', 1))
//! ```
//! over a column of texts: SQL would read its texts as numbers, which fails where the first of them is none.

#![expect(clippy::wildcard_enum_match_arm, reason = "literals and types of which few are meant")]

use std::fmt;

use arrow_schema::DataType;
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use ir::diag::{Diagnostic, codes};
use ir::graph::{Node, Owner};
use ir::op::Op;
use ir::origin::SpecField;
use ir::schema::{Schema, plain_type_text};
use sqlparser::ast::{Expr, UnaryOperator, Value};

use crate::context::Context;

/// Whether the values that an assertion accepts are of their column's type; those that are not are reported. There is nothing
/// to look at in nodes of another kind.
pub(super) fn check(cx: &mut Context<'_>, node: &Node, input: &Schema) -> bool {
    let (Owner::Assertion(_), Op::Filter(filter)) = (&node.owner, &node.op) else { return true };
    // An assertion that is an expression of the spec is negated, and so no list.
    let Expr::InList { expr, list, negated: true } = filter.predicate.ast() else { return true };
    let Expr::Identifier(column) = expr.as_ref() else { return true };
    let Some(field) = input.field(&column.value) else { return true };
    let values = cx.place(node, SpecField::Predicate);
    let before = cx.diagnostics.len();
    for (index, value) in list.iter().enumerate() {
        let Some(value) = Accepted::of(value) else { continue };
        let Some(instead) = value.misfit(field.data_type()) else { continue };
        let (name, held) = (field.name(), plain_type_text(field.data_type()));
        let message = format!("{value} is accepted of `{name}`, which is {held}");
        let found = Diagnostic::new(codes::TYPE_MISMATCH, message).at(values.index(index));
        cx.report(found.found(value.kind()).help(instead));
    }
    cx.diagnostics.len() == before
}

/// A value that is accepted.
enum Accepted<'a> {
    Boolean(bool),
    Integer(i128),
    Text(&'a str),
}

impl fmt::Display for Accepted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => write!(f, "`{value}`"),
            Self::Integer(value) => write!(f, "`{value}`"),
            Self::Text(text) => write!(f, "the text `{}`", text.escape_debug()),
        }
    }
}

impl<'a> Accepted<'a> {
    fn of(value: &'a Expr) -> Option<Self> {
        let number = |expr: &Expr| match expr {
            Expr::Value(value) => match &value.value {
                Value::Number(digits, _) => digits.parse::<i128>().ok(),
                _ => None,
            },
            _ => None,
        };
        match value {
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
                number(expr).map(|number| Self::Integer(-number))
            }
            Expr::Value(literal) => match &literal.value {
                Value::Boolean(value) => Some(Self::Boolean(*value)),
                Value::SingleQuotedString(text) => Some(Self::Text(text)),
                _ => number(value).map(Self::Integer),
            },
            _ => None,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "Boolean",
            Self::Integer(_) => "Int64",
            Self::Text(_) => "Utf8",
        }
    }

    /// What to write instead, if a value is none of a type.
    fn misfit(&self, held: &DataType) -> Option<&'static str> {
        let is_text = matches!(held, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        match self {
            Self::Boolean(_) if is_text => Some("write texts in quotes: 'true'"),
            Self::Boolean(_) => (*held != DataType::Boolean).then_some("list values of the column's type"),
            Self::Integer(_) if is_text => Some("write texts in quotes: '1'"),
            Self::Integer(value) => match integers(held) {
                Some((least, most)) if (least..=most).contains(value) => None,
                Some(_) => Some("no value of the column can be this one; leave it out"),
                None => (!held.is_numeric()).then_some("list values of the column's type"),
            },
            Self::Text(_) if is_text => None,
            Self::Text(text) => misfit_of_text(text, held),
        }
    }
}

/// The least and the greatest value of an integer type.
fn integers(held: &DataType) -> Option<(i128, i128)> {
    Some(match held {
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 => (i32::MIN.into(), i32::MAX.into()),
        DataType::Int64 => (i64::MIN.into(), i64::MAX.into()),
        DataType::UInt8 => (0, u8::MAX.into()),
        DataType::UInt16 => (0, u16::MAX.into()),
        DataType::UInt32 => (0, u32::MAX.into()),
        DataType::UInt64 => (0, u64::MAX.into()),
        _ => return None,
    })
}

/// What to write instead of a text that means no value of a type. Values without a form of their own are written as texts.
fn misfit_of_text(text: &str, held: &DataType) -> Option<&'static str> {
    const MOMENTS: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    let is_day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok();
    let is_moment = || {
        MOMENTS.iter().any(|form| NaiveDateTime::parse_from_str(text, form).is_ok())
            || DateTime::parse_from_rfc3339(text).is_ok()
    };
    match held {
        DataType::Boolean => Some("write true or false, without quotes"),
        held if held.is_integer() => Some("write a number, without quotes"),
        held if held.is_numeric() => text.parse::<f64>().is_err().then_some("write a number: '1.5'"),
        DataType::Date32 | DataType::Date64 => (!is_day()).then_some("write a date: '2026-02-28'"),
        DataType::Timestamp(..) => {
            (!is_day() && !is_moment()).then_some("write a timestamp: '2026-02-28T10:00:00'")
        }
        _ => None,
    }
}
