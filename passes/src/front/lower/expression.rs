//! SQL texts of the spec as trees.

use ir::diag::{Diagnostic, SpecPath, codes};
use ir::expr::{ScalarExpr, SqlError, SqlIssueKind};
use ir::spec::AggregationExpr;
use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, Ident, OrderByExpr,
};

use crate::context::Context;

/// Parses an expression; subqueries are for `Sql` views only, where what they read is declared.
pub(super) fn parse(cx: &mut Context<'_>, text: &str, place: &SpecPath) -> Option<ScalarExpr> {
    match ScalarExpr::parse(text) {
        Ok(expr) if expr.has_subquery() => {
            cx.report(
                Diagnostic::new(codes::UNSUPPORTED_EXPRESSION, "a subquery is not allowed in an expression")
                    .at(place.clone())
                    .help("write the view as a `Sql` transform, which may read several relations"),
            );
            None
        }
        Ok(expr) => Some(expr),
        Err(error) => {
            report_sql(cx, &error, text, place);
            None
        }
    }
}

/// Reports what is wrong with a SQL text, each at its word.
pub(super) fn report_sql(cx: &mut Context<'_>, error: &SqlError, text: &str, place: &SpecPath) {
    for issue in error.issues() {
        let (code, message) = match issue.kind {
            SqlIssueKind::Syntax => (codes::BAD_SQL, format!("this SQL does not parse: {}", issue.message)),
            SqlIssueKind::NotReadOnly => (codes::NOT_READ_ONLY, issue.message.clone()),
            SqlIssueKind::Clause => (codes::UNSUPPORTED_CLAUSE, issue.message.clone()),
        };
        let mut diagnostic = Diagnostic::new(code, message).at(place.clone());
        if let Some(bytes) = &issue.bytes {
            diagnostic = diagnostic.at_part(text, bytes.clone());
        }
        if let Some(help) = &issue.help {
            diagnostic = diagnostic.help(help);
        }
        cx.report(diagnostic);
    }
}

/// The aggregate call that an entry of `aggregations` describes: `function(DISTINCT arguments ORDER BY …) FILTER
/// (WHERE …)`.
pub(super) fn aggregate_call(
    cx: &mut Context<'_>,
    entry: &AggregationExpr,
    place: &SpecPath,
) -> Option<ScalarExpr> {
    if entry.column.is_some() && !entry.arguments.is_empty() {
        cx.report(
            Diagnostic::new(codes::AGGREGATION_ARGUMENTS, "`column` and `arguments` are both given")
                .at(place.field("arguments"))
                .help("`column: x` is short for `arguments: [x]`; keep one of them"),
        );
        return None;
    }
    let mut arguments = Vec::new();
    arguments.extend(entry.column.as_deref().map(|column| Some(ScalarExpr::column(column))));
    for (index, text) in entry.arguments.iter().enumerate() {
        arguments.push(parse(cx, text, &place.field("arguments").index(index)));
    }
    let filter = entry.filter.as_deref().map(|text| parse(cx, text, &place.field("filter")));
    let mut order_by = Vec::new();
    for (index, text) in entry.order_by.iter().enumerate() {
        order_by.push(parse_order(cx, text, &place.field("order_by").index(index)));
    }
    let function = function_name(cx, entry, place)?;
    let arguments: Vec<ScalarExpr> = arguments.into_iter().collect::<Option<_>>()?;
    let order_by: Vec<OrderByExpr> = order_by.into_iter().collect::<Option<_>>()?;
    let filter = match filter {
        Some(parsed) => Some(Box::new(parsed?.into_ast())),
        None => None,
    };
    let mut args: Vec<FunctionArg> = arguments
        .into_iter()
        .map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument.into_ast())))
        .collect();
    if args.is_empty() && entry.function.eq_ignore_ascii_case("count") {
        args.push(FunctionArg::Unnamed(FunctionArgExpr::Wildcard));
    }
    if args.is_empty() && !is_without_clauses(cx, entry, place) {
        return None;
    }
    let clauses =
        if order_by.is_empty() { Vec::new() } else { vec![FunctionArgumentClause::OrderBy(order_by)] };
    let duplicate_treatment = entry.distinct.then_some(DuplicateTreatment::Distinct);
    Some(ScalarExpr::new(Expr::Function(Function {
        name: function.into(),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment, args, clauses }),
        filter,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })))
}

/// The name of the function of an entry, which must be one word.
fn function_name(cx: &mut Context<'_>, entry: &AggregationExpr, place: &SpecPath) -> Option<Ident> {
    if let Ok(Expr::Identifier(ident)) = ScalarExpr::parse(&entry.function).map(ScalarExpr::into_ast) {
        return Some(ident);
    }
    let message = format!("`{}` is not the name of a function", entry.function);
    cx.report(Diagnostic::new(codes::UNKNOWN_FUNCTION, message).at(place.field("function")));
    None
}

/// Whether an entry without arguments says nothing about arguments. SQL has no words for `sum(DISTINCT)` of nothing, and
/// what is printed for it does not parse.
fn is_without_clauses(cx: &mut Context<'_>, entry: &AggregationExpr, place: &SpecPath) -> bool {
    let field = match entry {
        AggregationExpr { distinct: true, .. } => "distinct",
        AggregationExpr { order_by, .. } if !order_by.is_empty() => "order_by",
        _ => return true,
    };
    cx.report(
        Diagnostic::new(codes::AGGREGATION_ARGUMENTS, format!("`{field}` is given without an argument"))
            .at(place.field(field))
            .help("name what is aggregated with `column` or `arguments`"),
    );
    false
}

/// An entry of `order_by`: an expression, `ASC` or `DESC`, `NULLS FIRST` or `NULLS LAST`.
fn parse_order(cx: &mut Context<'_>, text: &str, place: &SpecPath) -> Option<OrderByExpr> {
    match ScalarExpr::parse_order(text) {
        Ok(order) => Some(order),
        Err(error) if error.issues().iter().any(|issue| issue.kind == SqlIssueKind::Syntax) => {
            let message = format!("this is not an ordering like `x DESC`: {error}");
            cx.report(Diagnostic::new(codes::AGGREGATE_ORDER, message).at(place.clone()).found(text));
            None
        }
        Err(error) => {
            report_sql(cx, &error, text, place);
            None
        }
    }
}
