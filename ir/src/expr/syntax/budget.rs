//! How long the parser may try.
//!
//! Where a word such as `CAST` or `NOT` begins an expression that does not parse, sqlparser reads all of it again, with the
//! word as the name of a function. Nested calls that end in a mistake are so read twice at every level, which is for ever
//! where there are forty. A text without mistakes is read a few times at the most. So the parser gets a dialect that
//! counts how often it begins an expression, and ends it when that is far more often than there are tokens.
//!
//! Types nest as expressions do, and the parser has no limit for them; brackets are counted before it begins.

use std::any::TypeId;
use std::cell::Cell;

use sqlparser::ast::Expr;
use sqlparser::dialect::{Dialect, GenericDialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// How often an expression may be begun for each token. Brackets may be several things, each of which is tried.
const BEGINNINGS: usize = 64;
/// How often in any case.
const LEAST: usize = 1_000;

/// The dialect of sqlparser that is read here, and how often the parser may still begin an expression.
#[derive(Debug)]
pub(super) struct Budget {
    generic: GenericDialect,
    left: Cell<usize>,
}

impl Budget {
    /// The budget of a text of so many tokens.
    pub(super) fn of(tokens: usize) -> Self {
        let left = tokens.saturating_mul(BEGINNINGS).saturating_add(LEAST);
        Self { generic: GenericDialect {}, left: Cell::new(left) }
    }

    /// Whether the parser tried for too long.
    pub(super) fn is_used_up(&self) -> bool {
        self.left.get() == 0
    }
}

/// Passes on what the dialect says of itself.
macro_rules! as_generic {
    ($($method:ident,)+) => {
        $(fn $method(&self) -> bool {
            self.generic.$method()
        })+
    };
}

impl Dialect for Budget {
    fn dialect(&self) -> TypeId {
        self.generic.dialect()
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        let left = self.left.get().saturating_sub(1);
        self.left.set(left);
        // It is passed on by all that tries one thing after another.
        if left == 0 {
            Some(Err(ParserError::RecursionLimitExceeded))
        } else {
            self.generic.parse_prefix(parser)
        }
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        self.generic.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        self.generic.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        self.generic.is_identifier_part(ch)
    }

    as_generic! {
        supports_unicode_string_literal, supports_partition_by_after_order_by, supports_array_join_syntax,
        supports_group_by_expr, supports_group_by_with_modifier,
        supports_left_associative_joins_without_parens, supports_connect_by, supports_match_recognize,
        supports_pipe_operator, supports_start_transaction_modifier,
        supports_window_function_null_treatment_arg, supports_dictionary_syntax,
        supports_window_clause_named_window_reference, supports_parenthesized_set_variables,
        supports_select_wildcard_except, support_map_literal_syntax, allow_extract_custom,
        allow_extract_single_quotes, supports_extract_comma_syntax, supports_create_view_comment_syntax,
        supports_parens_around_table_factor, supports_values_as_table_factor,
        supports_create_index_with_clause, supports_explain_with_utility_options, supports_limit_comma,
        supports_update_order_by, supports_from_first_select, supports_projection_trailing_commas,
        supports_asc_desc_in_column_definition, supports_try_convert, supports_bitwise_shift_operators,
        supports_comment_on, supports_load_extension, supports_named_fn_args_with_assignment_operator,
        supports_struct_literal, supports_empty_projections, supports_nested_comments,
        supports_multiline_comment_hints, supports_user_host_grantee, supports_string_escape_constant,
        supports_array_typedef_with_brackets, supports_match_against, supports_set_names,
        supports_comma_separated_set_assignments, supports_filter_during_aggregation,
        supports_select_wildcard_exclude, supports_data_type_signed_suffix, supports_interval_options,
        supports_quote_delimited_string, supports_select_wildcard_replace, supports_select_wildcard_ilike,
        supports_select_wildcard_rename, supports_optimize_table, supports_install, supports_detach,
        supports_prewhere, supports_with_fill, supports_limit_by, supports_interpolate, supports_settings,
        supports_select_format, supports_comment_optimizer_hint, supports_constraint_keyword_without_name,
        supports_key_column_option, supports_comma_separated_trim, supports_cte_without_as,
        supports_select_item_multi_column_alias, supports_xml_expressions,
    }
}

/// How deep brackets nest: round and square ones, and the angles of types; and how many pairs of square ones follow each
/// other, each of which makes a type deeper (`INT[][]`).
pub(super) fn depth(tokens: &[TokenWithSpan]) -> usize {
    let (mut round, mut angles, mut pairs, mut deepest) = (0_usize, 0_usize, 0_usize, 0);
    let mut before = &Token::EOF;
    for token in tokens.iter().map(|token| &token.token) {
        match token {
            Token::Whitespace(_) => continue,
            Token::LParen | Token::LBracket => round += 1,
            Token::RParen => round = round.saturating_sub(1),
            Token::RBracket => {
                round = round.saturating_sub(1);
                pairs = if *before == Token::LBracket { pairs + 1 } else { 0 };
            }
            Token::Lt if is_type(before) => angles += 1,
            Token::Gt => angles = angles.saturating_sub(1),
            Token::ShiftRight => angles = angles.saturating_sub(2),
            _ => {}
        }
        if !matches!(token, Token::LBracket | Token::RBracket) {
            pairs = 0;
        }
        deepest = deepest.max(round.saturating_add(angles)).max(pairs);
        before = token;
    }
    deepest
}

/// Whether a word begins a type with types in angles.
fn is_type(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(word.keyword, Keyword::ARRAY | Keyword::STRUCT | Keyword::MAP),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::expr::{Query, ScalarExpr};

    /// Forty levels would be read 2^40 times.
    #[test]
    fn nested_calls_with_a_mistake_are_refused_in_time() {
        for (open, close) in
            [("CAST(", " AS BIGINT)"), ("NOT (", ")"), ("EXTRACT(DAY FROM ", ")"), ("TRIM(", ")")]
        {
            for text in
                [open.repeat(40), format!("{}1 +{}", open.repeat(40), close.repeat(40)), open.repeat(200)]
            {
                assert!(ScalarExpr::parse(&text).is_err(), "{text}");
                assert!(Query::parse(&format!("SELECT {text} FROM t")).is_err(), "{text}");
            }
        }
    }

    #[test]
    fn nested_calls_without_a_mistake_are_read() {
        for (open, close) in
            [("CAST(", " AS BIGINT)"), ("NOT (", ")"), ("abs(", ")"), ("CASE WHEN a THEN ", " END")]
        {
            let text = format!("{}a{}", open.repeat(25), close.repeat(25));
            assert_eq!(ScalarExpr::parse(&text).unwrap().to_string(), text);
        }
        let long = vec!["CAST(a AS BIGINT[]) < 1 AND b[1][2] > 3"; 500].join(" AND ");
        assert!(ScalarExpr::parse(&long).is_ok());
    }

    #[test]
    fn deep_types_are_refused() {
        for kind in [
            format!("{}INT{}", "ARRAY<".repeat(4_000), ">".repeat(4_000)),
            format!("INT{}", "[]".repeat(4_000)),
            format!("{}INT{}", "STRUCT<a ".repeat(4_000), ">".repeat(4_000)),
            format!("{}INT{}", "Nullable(".repeat(4_000), ")".repeat(4_000)),
        ] {
            let error = ScalarExpr::parse(&format!("CAST(a AS {kind})")).unwrap_err();
            assert!(error.to_string().contains("nests"), "{error}");
        }
    }
}
