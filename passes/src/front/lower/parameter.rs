//! Typed parameters as typed literals.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime};
use ir::diag::{Diagnostic, SpecPath, codes};
use ir::expr::ScalarExpr;
use ir::graph::{Parameter, ParameterTarget};
use ir::spec::{self, ParameterValue, TypedParameter};
use sqlparser::ast::{DataType, Expr, TimezoneInfo, UnaryOperator, Value};

use crate::context::Context;

/// The patterns of a timestamp: `T` or a space in the middle, with or without a fraction of a second.
const TIMESTAMP_PATTERNS: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];

pub(super) fn lower(cx: &mut Context<'_>, parameters: &[TypedParameter]) -> Vec<Parameter> {
    let mut lowered = Vec::with_capacity(parameters.len());
    for (index, parameter) in parameters.iter().enumerate() {
        let place = SpecPath::root().field("typed_parameters").index(index);
        let target = match &parameter.target {
            spec::ParameterTarget::PlaceholderPos { position } => ParameterTarget::Placeholder(*position),
            spec::ParameterTarget::FilterEq { base_table, filter_column } => {
                ParameterTarget::FilterEq { base: base_table.clone(), column: filter_column.clone() }
            }
        };
        match literal(&parameter.value) {
            Ok(value) => {
                lowered.push(Parameter { target, value, label: parameter.label.clone() });
                cx.origins.record_parameter(place);
            }
            Err(diagnostic) => {
                if let ParameterTarget::Placeholder(position) = target {
                    cx.reported.placeholders.insert(format!("${position}"));
                }
                cx.report(diagnostic.at(place.field("value").field("value")));
            }
        }
    }
    check_positions(cx, parameters);
    lowered
}

/// Positions must be 1, 2, 3, … without repetition, as placeholders are.
fn check_positions(cx: &mut Context<'_>, parameters: &[TypedParameter]) {
    let mut places: BTreeMap<u32, SpecPath> = BTreeMap::new();
    for (index, parameter) in parameters.iter().enumerate() {
        let spec::ParameterTarget::PlaceholderPos { position } = parameter.target else { continue };
        let place = SpecPath::root().field("typed_parameters").index(index).field("target").field("position");
        if let Some(first) = places.get(&position) {
            cx.report(
                Diagnostic::new(
                    codes::DUPLICATE_PLACEHOLDER,
                    format!("there are two values for ${position}"),
                )
                .at(place)
                .related(first.clone(), "the first one is here"),
            );
        } else {
            places.insert(position, place);
        }
    }
    for (expected, (position, place)) in (1_u32..).zip(places) {
        if position != expected {
            cx.report(
                Diagnostic::new(
                    codes::PLACEHOLDER_GAP,
                    format!("there is a value for ${position}, none for ${expected}"),
                )
                .at(place)
                .help("positions count from 1 without gaps"),
            );
            break;
        }
    }
}

/// A value as a literal of its type. Values become trees, never text that is parsed again.
fn literal(value: &ParameterValue) -> Result<ScalarExpr, Box<Diagnostic>> {
    let number = |text: String| ScalarExpr::new(Expr::Value(Value::Number(text, false).into()));
    let signed = |negative: bool, magnitude: ScalarExpr| {
        if !negative {
            return magnitude;
        }
        ScalarExpr::new(Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(magnitude.into_ast()) })
    };
    Ok(match value {
        ParameterValue::Utf8(text) => ScalarExpr::text(text),
        ParameterValue::Int64(value) => signed(*value < 0, number(value.unsigned_abs().to_string())),
        // `{:?}` keeps a fraction or an exponent, so the literal is read back as a float.
        ParameterValue::Float64(value) => {
            signed(value.is_sign_negative(), number(format!("{:?}", value.abs())))
                .cast(DataType::Double(sqlparser::ast::ExactNumberInfo::None))
        }
        ParameterValue::Boolean(value) => ScalarExpr::new(Expr::Value(Value::Boolean(*value).into())),
        ParameterValue::Date(text) => match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Ok(date) => ScalarExpr::text(&date.to_string()).cast(DataType::Date),
            Err(_) => {
                let message = format!("Invalid Date parameter `{text}`: expected YYYY-MM-DD");
                return Err(Box::new(Diagnostic::new(codes::BAD_DATE, message).found(text)));
            }
        },
        ParameterValue::Timestamp(text) => {
            let parsed = TIMESTAMP_PATTERNS.iter().find_map(|p| NaiveDateTime::parse_from_str(text, p).ok());
            let Some(moment) = parsed else {
                let message =
                    format!("Invalid Timestamp parameter `{text}`: expected YYYY-MM-DDTHH:MM:SS[.fraction]");
                return Err(Box::new(Diagnostic::new(codes::BAD_PARAMETER_TIMESTAMP, message).found(text)));
            };
            let text = moment.format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
            ScalarExpr::text(&text).cast(DataType::Timestamp(Some(6), TimezoneInfo::None))
        }
        ParameterValue::Null { data_type } => {
            let Some(data_type) = null_type(data_type) else {
                let message = format!("Unsupported Null data_type `{data_type}`");
                return Err(Box::new(
                    Diagnostic::new(codes::UNKNOWN_NULL_TYPE, message)
                        .found(data_type)
                        .allowed([
                            "utf8",
                            "int64",
                            "int32",
                            "float64",
                            "float32",
                            "boolean",
                            "date32",
                            "timestamp",
                        ])
                        .suggest_nearest(),
                ));
            };
            ScalarExpr::new(Expr::Value(Value::Null.into())).cast(data_type)
        }
    })
}

fn null_type(name: &str) -> Option<DataType> {
    Some(match name.to_ascii_lowercase().as_str() {
        "utf8" | "string" => DataType::Varchar(None),
        "int64" | "long" => DataType::BigInt(None),
        "int32" | "int" => DataType::Int(None),
        "float64" | "double" => DataType::Double(sqlparser::ast::ExactNumberInfo::None),
        "float32" | "float" => DataType::Real,
        "boolean" | "bool" => DataType::Boolean,
        "date32" | "date" => DataType::Date,
        "timestamp" => DataType::Timestamp(Some(6), TimezoneInfo::None),
        _ => return None,
    })
}
