//! Scalar expressions.

use sqlparser::ast::{
    AccessExpr, Array, CaseWhen, CastKind, CeilFloorKind, DateTimeField, DictionaryField, Expr, Interval,
    LambdaFunction, LambdaFunctionParameter, Map, MapEntry, MemberOf, Subscript, TypedString, UnaryOperator,
    Value, ValueWithSpan,
};

use super::operators::refused_operator;
use super::table::optional;
use super::{Walk, clauses};

impl Walk {
    pub(super) fn expr(&mut self, expr: &Expr) {
        // Operators of one rank lean to the left, and their chains may be long.
        let mut rest = Vec::new();
        let mut first = expr;
        while let Expr::BinaryOp { left, op, right } = first {
            rest.push((op, right));
            first = left;
        }
        self.operand(first);
        for (op, right) in rest.into_iter().rev() {
            if let Some(clause) = refused_operator(op) {
                self.refuse(clause);
            }
            self.expr(right);
        }
    }

    fn exprs<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) {
        exprs.into_iter().for_each(|expr| self.expr(expr));
    }

    /// An expression that is not a binary operator.
    fn operand(&mut self, expr: &Expr) {
        match expr {
            Expr::Identifier(ident) => self.ident(ident),
            Expr::CompoundIdentifier(parts) => parts.iter().for_each(|part| self.ident(part)),
            Expr::Value(value) => self.value(value),
            Expr::Function(function) => self.function(function),
            Expr::Exists { subquery, negated: _ } | Expr::Subquery(subquery) => self.subquery(subquery),
            Expr::InSubquery { expr, subquery, negated: _ } => {
                self.expr(expr);
                self.subquery(subquery);
            }
            Expr::Case { case_token, end_token, operand, conditions, else_result } => {
                self.passed(case_token.0.span);
                self.exprs(optional(operand));
                for CaseWhen { condition, result } in conditions {
                    self.exprs([condition, result]);
                }
                self.exprs(optional(else_result));
                self.passed(end_token.0.span);
            }
            other => self.tested(other),
        }
    }

    /// Tests and comparisons that are written with words.
    fn tested(&mut self, expr: &Expr) {
        match expr {
            Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner)
            | Expr::Nested(inner) => self.expr(inner),
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.exprs([left.as_ref(), right]);
            }
            Expr::IsNormalized { expr, form: _, negated: _ } => {
                self.expr(expr);
                self.refuse(&clauses::NORMALIZED);
            }
            Expr::InList { expr, list, negated: _ } => {
                self.expr(expr);
                self.exprs(list);
            }
            Expr::InUnnest { expr, array_expr: _, negated: _ } => {
                self.expr(expr);
                self.refuse(&clauses::IN_UNNEST);
            }
            Expr::Between { expr, negated: _, low, high } => self.exprs([expr.as_ref(), low, high]),
            Expr::AnyOp { left, compare_op, right, is_some: _ } | Expr::AllOp { left, compare_op, right } => {
                self.expr(left);
                if let Some(clause) = refused_operator(compare_op) {
                    self.refuse(clause);
                }
                self.refuse_if(!matches!(right.as_ref(), Expr::Subquery(_)), &clauses::ANY_OF_LIST);
                self.expr(right);
            }
            Expr::MemberOf(MemberOf { value, array: _ }) => {
                self.expr(value);
                self.refuse(&clauses::MEMBER_OF);
            }
            other => self.matched(other),
        }
    }

    /// Comparisons with a pattern.
    fn matched(&mut self, expr: &Expr) {
        match expr {
            Expr::Like { negated: _, any, expr, pattern, escape_char }
            | Expr::ILike { negated: _, any, expr, pattern, escape_char } => {
                self.expr(expr);
                self.refuse_if(*any, &clauses::LIKE_ANY);
                if !*any {
                    self.expr(pattern);
                }
                let is_other =
                    |escape: &ValueWithSpan| escape.value != Value::SingleQuotedString("\\".to_owned());
                self.refuse_if(escape_char.as_ref().is_some_and(is_other), &clauses::ESCAPE);
            }
            Expr::SimilarTo { negated: _, expr, pattern: _, escape_char: _ } => {
                self.expr(expr);
                self.refuse(&clauses::SIMILAR);
            }
            Expr::RLike { negated: _, expr, pattern: _, regexp: _ } => {
                self.expr(expr);
                self.refuse(&clauses::REGEXP);
            }
            other => self.converted(other),
        }
    }

    /// Conversions and calls that have a syntax of their own.
    fn converted(&mut self, expr: &Expr) {
        match expr {
            Expr::UnaryOp { op, expr } => {
                if !matches!(op, UnaryOperator::Plus | UnaryOperator::Minus | UnaryOperator::Not) {
                    self.refuse(&clauses::OPERATOR);
                }
                self.expr(expr);
            }
            Expr::Convert {
                is_try: _,
                expr: _,
                data_type: _,
                charset: _,
                target_before_value: _,
                styles: _,
            } => {
                self.refuse(&clauses::CONVERT);
            }
            Expr::Cast { kind, expr, data_type, array, format } => {
                match kind {
                    CastKind::Cast | CastKind::TryCast | CastKind::SafeCast | CastKind::DoubleColon => {}
                }
                self.expr(expr);
                self.data_type(data_type);
                self.refuse_if(*array, &clauses::CAST_ARRAY);
                self.refuse_if(format.is_some(), &clauses::CAST_FORMAT);
            }
            Expr::AtTimeZone { timestamp, time_zone } => {
                self.expr(timestamp);
                let is_text = matches!(time_zone.as_ref(), Expr::Value(value)
                    if matches!(value.value, Value::SingleQuotedString(_)));
                self.refuse_if(!is_text, &clauses::TIME_ZONE);
            }
            Expr::Extract { field: _, syntax: _, expr } => self.expr(expr),
            Expr::Ceil { expr, field } | Expr::Floor { expr, field } => {
                self.expr(expr);
                if !matches!(field, CeilFloorKind::DateTimeField(DateTimeField::NoDateTime)) {
                    self.refuse(&clauses::ROUND_TO);
                }
            }
            Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: _ }) => {
                self.data_type(data_type);
                self.value(value);
            }
            Expr::Interval(interval) => self.interval(interval),
            other => self.worded_call(other),
        }
    }

    /// Calls whose arguments are separated by words.
    fn worded_call(&mut self, expr: &Expr) {
        match expr {
            Expr::Position { expr, r#in } => self.exprs([expr.as_ref(), r#in]),
            // How it is written, with words or commas, does not matter.
            Expr::Substring { expr, substring_from, substring_for, special: _, shorthand: _ } => {
                self.expr(expr);
                self.exprs(optional(substring_from).chain(optional(substring_for)));
            }
            Expr::Trim { expr, trim_where: _, trim_what, trim_characters } => {
                self.exprs(optional(trim_what));
                self.expr(expr);
                let characters = trim_characters.as_deref().unwrap_or_default();
                self.refuse_if(characters.len() > 1, &clauses::TRIM_LIST);
                self.exprs(characters);
            }
            Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                self.exprs([expr.as_ref(), overlay_what, overlay_from]);
                self.exprs(optional(overlay_for));
            }
            Expr::Collate { expr, collation: _ } => {
                self.expr(expr);
                self.refuse(&clauses::COLLATE);
            }
            other => self.composed(other),
        }
    }

    /// Lists, structs, maps and the values inside them.
    fn composed(&mut self, expr: &Expr) {
        match expr {
            Expr::CompoundFieldAccess { root, access_chain } => {
                self.expr(root);
                self.access(root, access_chain);
            }
            Expr::Struct { values, fields } => {
                self.refuse_if(!fields.is_empty(), &clauses::STRUCT_FIELDS);
                self.exprs(values);
            }
            Expr::Named { expr, name } => {
                self.expr(expr);
                self.ident(name);
            }
            Expr::Dictionary(fields) => {
                for DictionaryField { key, value } in fields {
                    self.ident(key);
                    self.expr(value);
                }
            }
            Expr::Map(Map { entries }) => {
                for MapEntry { key, value } in entries {
                    self.exprs([key.as_ref(), value]);
                }
            }
            // Whether `ARRAY` was written does not matter.
            Expr::Array(Array { elem, named: _ }) => {
                for element in elem {
                    self.expr(element);
                    if super::super::holds_subquery(element) {
                        self.refuse_expr(&clauses::ARRAY_SUBQUERY, element);
                    }
                }
            }
            Expr::Lambda(LambdaFunction { params, body, syntax: _ }) => {
                for LambdaFunctionParameter { name, data_type } in params.iter() {
                    self.ident(name);
                    self.refuse_if(data_type.is_some(), &clauses::LAMBDA_TYPE);
                }
                self.expr(body);
            }
            Expr::Tuple(_) => self.refuse_expr(&clauses::ROW_VALUE, expr),
            other => self.refused_expr(other),
        }
    }

    /// What means nothing here, whatever is in it.
    fn refused_expr(&mut self, expr: &Expr) {
        match expr {
            Expr::JsonAccess { value, path: _ } => {
                self.expr(value);
                self.refuse(&clauses::JSON_ACCESS);
            }
            Expr::Prefixed { prefix, value: _ } => self.refuse_at(&clauses::PREFIXED, prefix.span),
            Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_) => {
                self.refuse(&clauses::GROUPING_ELSEWHERE);
            }
            Expr::MatchAgainst { columns: _, match_value: _, opt_search_modifier: _ } => {
                self.refuse(&clauses::MATCH_AGAINST);
            }
            Expr::Wildcard(token) => self.refuse_at(&clauses::STAR_ALONE, token.0.span),
            Expr::QualifiedWildcard(name, _) => {
                self.name(name);
                self.refuse(&clauses::STAR_ALONE);
            }
            Expr::OuterJoin(inner) => {
                self.expr(inner);
                self.refuse(&clauses::OUTER_JOIN_SIGN);
            }
            Expr::Prior(_) => self.refuse(&clauses::PRIOR),
            // These are walked above.
            Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::CompoundFieldAccess { .. }
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::IsNormalized { .. }
            | Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::InUnnest { .. }
            | Expr::Between { .. }
            | Expr::BinaryOp { .. }
            | Expr::Like { .. }
            | Expr::ILike { .. }
            | Expr::SimilarTo { .. }
            | Expr::RLike { .. }
            | Expr::AnyOp { .. }
            | Expr::AllOp { .. }
            | Expr::UnaryOp { .. }
            | Expr::Convert { .. }
            | Expr::Cast { .. }
            | Expr::AtTimeZone { .. }
            | Expr::Extract { .. }
            | Expr::Ceil { .. }
            | Expr::Floor { .. }
            | Expr::Position { .. }
            | Expr::Substring { .. }
            | Expr::Trim { .. }
            | Expr::Overlay { .. }
            | Expr::Collate { .. }
            | Expr::Nested(_)
            | Expr::Value(_)
            | Expr::TypedString(_)
            | Expr::Function(_)
            | Expr::Case { .. }
            | Expr::Exists { .. }
            | Expr::Subquery(_)
            | Expr::Tuple(_)
            | Expr::Struct { .. }
            | Expr::Named { .. }
            | Expr::Dictionary(_)
            | Expr::Map(_)
            | Expr::Array(_)
            | Expr::Interval(_)
            | Expr::Lambda(_)
            | Expr::MemberOf(_) => {}
        }
    }

    fn access(&mut self, root: &Expr, chain: &[AccessExpr]) {
        let mut after_subscript = matches!(root, Expr::Value(_));
        for access in chain {
            match access {
                AccessExpr::Dot(Expr::Identifier(ident)) => {
                    if after_subscript {
                        self.refuse_at(&clauses::DOT_ACCESS, ident.span);
                    }
                    self.ident(ident);
                }
                AccessExpr::Dot(other) => self.refuse_expr(&clauses::DOT_ACCESS, other),
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    self.expr(index);
                    after_subscript = true;
                }
                AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, stride }) => {
                    self.refuse_if(lower_bound.is_none() || upper_bound.is_none(), &clauses::SLICE_OPEN);
                    self.exprs(lower_bound.iter().chain(upper_bound).chain(stride));
                    after_subscript = true;
                }
            }
        }
    }

    fn interval(&mut self, interval: &Interval) {
        let Interval { value, leading_field: _, leading_precision, last_field, fractional_seconds_precision } =
            interval;
        self.expr(value);
        let has_more =
            leading_precision.is_some() || last_field.is_some() || fractional_seconds_precision.is_some();
        self.refuse_if(has_more, &clauses::INTERVAL_PRECISION);
    }

    pub(super) fn value(&mut self, value: &ValueWithSpan) {
        let ValueWithSpan { value, span } = value;
        match value {
            Value::Number(..)
            | Value::SingleQuotedString(_)
            | Value::DollarQuotedString(_)
            | Value::EscapedStringLiteral(_)
            | Value::HexStringLiteral(_)
            | Value::DoubleQuotedString(_)
            | Value::Boolean(_)
            | Value::Null
            | Value::Placeholder(_) => {}
            Value::TripleSingleQuotedString(_)
            | Value::TripleDoubleQuotedString(_)
            | Value::UnicodeStringLiteral(_)
            | Value::SingleQuotedByteStringLiteral(_)
            | Value::DoubleQuotedByteStringLiteral(_)
            | Value::TripleSingleQuotedByteStringLiteral(_)
            | Value::TripleDoubleQuotedByteStringLiteral(_)
            | Value::SingleQuotedRawStringLiteral(_)
            | Value::DoubleQuotedRawStringLiteral(_)
            | Value::TripleSingleQuotedRawStringLiteral(_)
            | Value::TripleDoubleQuotedRawStringLiteral(_)
            | Value::NationalStringLiteral(_)
            | Value::QuoteDelimitedStringLiteral(_)
            | Value::NationalQuoteDelimitedStringLiteral(_) => {
                self.refuse_at(&clauses::LITERAL, *span);
            }
        }
        self.passed(*span);
    }
}
