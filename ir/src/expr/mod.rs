//! Expressions and queries: parsed SQL that prints canonically.
//!
//! The IR has no expression language of its own. It holds the `sqlparser` syntax tree, and the engine plans that
//! same tree, so nothing is lost in between. Two expressions are equal when their trees are equal; white space
//! and letter case of keywords do not count.

mod clauses;
mod meaning;
mod named;
mod places;
mod query;
mod shape;
mod substitute;
mod syntax;
pub mod walk;
mod windows;

pub use named::{NamedExpr, NamedExprs};
pub use places::bytes_of;
pub use query::{Part, Query};
pub use syntax::{SqlError, SqlIssue, SqlIssueKind, StatementText, Statements, statements};

use std::collections::{BTreeMap, BTreeSet};

use sqlparser::ast::{self, BinaryOperator, CastKind, Expr, Ident, ObjectName, ObjectNamePart, Value};

use syntax::SqlText;

/// One SQL expression over the columns of the node's input: a scalar expression, an aggregate call or a window
/// call, depending on the operation that holds it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ScalarExpr(Expr);

impl ScalarExpr {
    /// Parses one expression; text after it is an error.
    ///
    /// # Errors
    /// When the text is not one SQL expression, or holds something that has no meaning here (`meaning`).
    pub fn parse(text: &str) -> Result<Self, SqlError> {
        let text = SqlText::new(text);
        let parse = |text: &SqlText<'_>| text.parse(|parser| parser.parse_expr()).map(Self);
        let expr = parse(&text)?;
        match SqlError::of(meaning::of_expr(&expr.0, &text)) {
            Some(error) => Err(error),
            None => printable(expr, &text, parse),
        }
    }

    /// Parses an entry of an `ORDER BY`: an expression, `ASC` or `DESC`, `NULLS FIRST` or `NULLS LAST`.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_order(text: &str) -> Result<ast::OrderByExpr, SqlError> {
        let text = SqlText::new(text);
        let order = text.parse(|parser| parser.parse_order_by_expr())?;
        match SqlError::of(meaning::of_order(&order, &text)) {
            Some(error) => Err(error),
            None => Ok(order),
        }
    }

    /// The expression that reads one column, whatever characters its name has.
    #[must_use]
    pub fn column(name: &str) -> Self {
        Self(Expr::Identifier(identifier(name)))
    }

    /// Wraps a syntax tree.
    #[must_use]
    pub fn new(expr: Expr) -> Self {
        Self(expr)
    }

    /// The syntax tree.
    #[must_use]
    pub fn ast(&self) -> &Expr {
        &self.0
    }

    /// The syntax tree, by value.
    #[must_use]
    pub fn into_ast(self) -> Expr {
        self.0
    }

    /// A text literal.
    #[must_use]
    pub fn text(value: &str) -> Self {
        Self(Expr::Value(Value::SingleQuotedString(value.to_owned()).into()))
    }

    /// A call of a function with positional arguments.
    #[must_use]
    pub fn call(function: &str, arguments: Vec<Self>) -> Self {
        let args = arguments
            .into_iter()
            .map(|argument| ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(argument.0)))
            .collect();
        let args = ast::FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() };
        Self(Expr::Function(ast::Function {
            name: ObjectName(vec![ObjectNamePart::Identifier(Ident::new(function))]),
            uses_odbc_syntax: false,
            parameters: ast::FunctionArguments::None,
            args: ast::FunctionArguments::List(args),
            filter: None,
            null_treatment: None,
            over: None,
            within_group: Vec::new(),
        }))
    }

    /// The expression converted to an Arrow type, whatever its own type is.
    #[must_use]
    pub fn arrow_cast(self, data_type: &arrow_schema::DataType) -> Self {
        Self::call("arrow_cast", vec![self, Self::text(&data_type.to_string())])
    }

    /// The expression converted to a SQL type.
    #[must_use]
    pub fn cast(self, data_type: ast::DataType) -> Self {
        Self(Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(self.0),
            data_type,
            array: false,
            format: None,
        })
    }

    /// `self AND other`, with parentheses where needed.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.binary(BinaryOperator::And, other)
    }

    /// `self OR other`, with parentheses where needed.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.binary(BinaryOperator::Or, other)
    }

    /// `self = other`, with parentheses where needed.
    #[must_use]
    pub fn equals(self, other: Self) -> Self {
        self.binary(BinaryOperator::Eq, other)
    }

    fn binary(self, op: BinaryOperator, other: Self) -> Self {
        Self(Expr::BinaryOp { left: Box::new(self.nested()), op, right: Box::new(other.nested()) })
    }

    /// The tree in parentheses unless it is a literal, a column or a call.
    fn nested(self) -> Expr {
        let atomic = matches!(
            self.0,
            Expr::Identifier(_)
                | Expr::CompoundIdentifier(_)
                | Expr::Value(_)
                | Expr::Function(_)
                | Expr::Nested(_)
        );
        if atomic { self.0 } else { Expr::Nested(Box::new(self.0)) }
    }

    /// The name of the column when the expression is nothing but a column.
    #[must_use]
    pub fn as_column(&self) -> Option<String> {
        match &self.0 {
            Expr::Identifier(ident) => Some(normalize(ident)),
            _ => None,
        }
    }

    /// Whether the expression is a literal.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        matches!(self.0, Expr::Value(_))
    }

    /// The names of the columns the expression reads. Of a dotted name that is the first part: the IR's
    /// expressions have one input, so the rest are fields of a struct column.
    #[must_use]
    pub fn columns(&self) -> BTreeSet<String> {
        self.column_references().into_iter().collect()
    }

    /// The columns the expression reads, once for every time they stand in it.
    #[must_use]
    pub fn column_references(&self) -> Vec<String> {
        let mut columns = Vec::new();
        walk::expressions(&self.0, |expr| match expr {
            Expr::Identifier(ident) => columns.push(normalize(ident)),
            Expr::CompoundIdentifier(parts) => columns.extend(parts.first().map(normalize)),
            _ => {}
        });
        columns
    }

    /// Whether the expression holds a subquery; such expressions are only allowed in `Sql` views.
    #[must_use]
    pub fn has_subquery(&self) -> bool {
        holds_subquery(&self.0)
    }

    /// The positional placeholders (`$1`, `$2`, …) of the expression, as they are written.
    #[must_use]
    pub fn placeholders(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        walk::expressions(&self.0, |expr| found.extend(placeholder(expr).map(str::to_owned)));
        found
    }

    /// Replaces placeholders by expressions; placeholders without one stay.
    pub fn bind(&mut self, values: &BTreeMap<String, Self>) {
        walk::expressions_mut(&mut self.0, |expr| bind_one(expr, values));
    }

    /// Replaces column references by expressions. The result reads the columns of the expressions put in.
    /// Returns nothing when a dotted name would have to be replaced by something that is not a column.
    #[must_use]
    pub fn substitute(&self, definitions: &BTreeMap<String, Self>) -> Option<Self> {
        let mut rewriter = substitute::Substitution { definitions, failed: false };
        let mut expr = self.0.clone();
        let _ = walk::visit_mut(&mut expr, &mut rewriter);
        (!rewriter.failed).then_some(Self(expr))
    }

    fn printed(&self) -> String {
        syntax::exact::print(&self.0)
    }
}

/// A tree that was parsed from a text, if what is printed of it means the same.
fn printable<T: PartialEq + std::fmt::Display>(
    tree: T,
    text: &SqlText<'_>,
    parse: impl FnOnce(&SqlText<'_>) -> Result<T, SqlError>,
) -> Result<T, SqlError> {
    let has_signs = || text.text().matches('-').nth(1).is_some() && tree.to_string().contains("-(-");
    let is_delicate = syntax::exact::is_delicate(text.text());
    if !is_delicate && !has_signs() {
        return Ok(tree);
    }
    let printed = tree.to_string();
    if parse(&SqlText::new(&printed)).ok().as_ref() == Some(&tree) {
        return Ok(tree);
    }
    let message = if is_delicate {
        "a name with quotes in it stands where it would be read as another one; rename it"
    } else {
        "there are too many minus signs in a row; leave out pairs of them"
    };
    Err(SqlError::new(SqlIssueKind::Clause, message, None))
}

fn placeholder(expr: &Expr) -> Option<&str> {
    let Expr::Value(value) = expr else { return None };
    match &value.value {
        Value::Placeholder(name) => Some(name),
        _ => None,
    }
}

fn bind_one(expr: &mut Expr, values: &BTreeMap<String, ScalarExpr>) {
    if let Some(value) = placeholder(expr).and_then(|name| values.get(name)) {
        *expr = value.0.clone();
    }
}

/// Whether a subquery is in an expression.
fn holds_subquery(expr: &Expr) -> bool {
    walk::any_expression(expr, |expr| {
        matches!(expr, Expr::Subquery(_) | Expr::InSubquery { .. } | Expr::Exists { .. })
    })
}

/// The name an identifier stands for: quoted names as written, others in lower case, as in DataFusion.
#[must_use]
pub fn normalize(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}

/// The identifier for a name, quoted where an unquoted one would be read differently.
#[must_use]
pub fn identifier(name: &str) -> Ident {
    let plain = ScalarExpr::parse(name).is_ok_and(|expr| match &expr.0 {
        Expr::Identifier(ident) => {
            ident.quote_style.is_none() && ident.value == name && normalize(ident) == name
        }
        _ => false,
    });
    if plain { Ident::new(name) } else { Ident::with_quote('"', name) }
}

/// The name of a relation in a schema, from its parts: each as it stands in SQL, with points between them.
#[must_use]
pub fn dotted_name<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> String {
    let parts = parts.into_iter().map(|part| identifier(part.as_ref()).to_string());
    parts.collect::<Vec<_>>().join(".")
}

/// Gives a type that wraps a syntax tree its text, JSON and archived form: the printed SQL.
macro_rules! sql_text {
    ($type:ident, $what:literal) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.printed())
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({self})", stringify!($type))
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                Self::parse(&text).map_err(|error| {
                    serde::de::Error::custom(format!(concat!("not ", $what, ": {} in `{}`"), error, text))
                })
            }
        }

        $crate::as_text::archive_as_text!($type, $type::parse);
    };
}

pub(crate) use sql_text;

sql_text!(ScalarExpr, "a SQL expression");

#[cfg(test)]
mod tests {
    use super::*;

    fn expr(text: &str) -> ScalarExpr {
        ScalarExpr::parse(text).unwrap()
    }

    #[test]
    fn printing_is_canonical_and_parses_back() {
        for text in
            ["a+1>b", "lower( name )", "\"Odd Name\" = 'it''s'", "a.b.c IS NOT NULL", "x BETWEEN 1 AND 2"]
        {
            let once = expr(text);
            assert_eq!(expr(&once.to_string()), once, "{text}");
        }
        assert_eq!(expr("a   >  1"), expr("a > 1"));
    }

    #[test]
    fn columns_keep_names_that_need_quotes() {
        for name in ["plain", "Upper", "two words", "select", "1st", "a\"b", "ünï"] {
            let column = ScalarExpr::column(name);
            assert_eq!(column.as_column().as_deref(), Some(name));
            assert_eq!(expr(&column.to_string()), column, "{name}");
        }
    }

    #[test]
    fn substitution_keeps_precedence() {
        let definitions = BTreeMap::from([("net".to_owned(), expr("amount - tax"))]);
        let result = expr("net * 2").substitute(&definitions).unwrap();
        assert_eq!(result, expr("(amount - tax) * 2"));
        // What is put in is not replaced again.
        let turn = BTreeMap::from([("a".to_owned(), expr("b")), ("b".to_owned(), expr("a"))]);
        assert_eq!(expr("a + b").substitute(&turn).unwrap(), expr("b + a"));
    }

    #[test]
    fn fields_of_a_computed_struct_are_not_substituted() {
        let definitions = BTreeMap::from([("s".to_owned(), expr("span_make(a, b)"))]);
        assert_eq!(expr("s.bstart").substitute(&definitions), None);
        let renamed = BTreeMap::from([("s".to_owned(), expr("t"))]);
        assert_eq!(expr("s.bstart").substitute(&renamed), Some(expr("t.bstart")));
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_an_overflow() {
        let deep = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
        assert!(ScalarExpr::parse(&deep).is_err());
    }
}
