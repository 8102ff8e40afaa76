//! E02xx: types and columns.

use super::code_table;

code_table! {
    UNKNOWN_COLUMN = "E0201", "unknown-column", "a column does not exist":
"The named source does not have this column. Names are compared exactly, letter case included.

Example: `predicate: nme = 'main'` over a view with a column `name`.

Fix: use one of the columns in the message. A name with capitals or spaces needs double quotes in SQL: `\"File Id\"`.";

    BAD_SQL = "E0202", "bad-sql", "a SQL text cannot be parsed":
"Expressions are SQL scalar expressions; `Sql.query` is one SELECT.

Example: `predicate: name == 'main' and`

Fix: correct the place the message names. Write text in single quotes and names in double quotes.";

    TYPE_MISMATCH = "E0203", "type-mismatch", "an operator or function does not take values of these types":
"There is no way to apply it to what it was given, even with the conversions SQL makes by itself. \
Accepted values of an assertion are of their column's type, without conversions.

Example: `expr: start_byte + path` adds a number and a text.

Fix: convert with `CAST(path AS BIGINT)`, or use another column.";

    PREDICATE_NOT_BOOLEAN = "E0204", "predicate-not-boolean", "a condition is not true or false":
"`Filter.predicate`, the `filter` of an aggregation and the `expression` of an assertion must be boolean.

Example: `predicate: start_byte`

Fix: compare: `start_byte > 0`, `name IS NOT NULL`.";

    JOIN_KEY_TYPES = "E0205", "join-key-types", "join keys have types that cannot be compared":
"The two columns of a key must have one type, or types that SQL compares.

Example: `on: [{left: file_id, right: path}]` with an `Int64` and a `Utf8`.

Fix: join other columns, or convert one side in a `Project` before.";

    CONTRACT_COLUMN = "E0206", "contract-column-missing", "a promised column is not there":
"`output_schema.columns` promises columns that the view must have.

Example: `output_schema: {columns: {node_id: Int64}}` on a view without `node_id`.

Fix: add the column to the transform, or remove the promise.";

    CONTRACT_TYPE = "E0207", "contract-type-differs", "a promised column has another type":
"The type of the column and the type in `output_schema.columns` differ.

Example: `{node_id: Int64}` where the column is `Utf8`.

Fix: correct the promise, or convert with `CAST`.";

    CONTRACT_UNKNOWN_TYPE = "E0208", "contract-unknown-type", "a promise names a type that does not exist":
"Types are Arrow types as they are printed.

Example: `{node_id: Integer}` (it is `Int64`).

Fix: use `Boolean`, `Int8` to `Int64`, `UInt8` to `UInt64`, `Float32`, `Float64`, `Utf8`, `Binary`, `Date32`, \
`Timestamp(Microsecond, None)`, `Decimal128(10, 2)`, or a list or struct type as `driver check` prints it.";

    NAME_CLASH = "E0209", "name-clash", "both sides of a join have a column of this name":
"The result of a `Relate` would have two columns of one name.

Example: `nodes` and `files` both have `path`.

Fix: `suffix: _right` renames the right one, `select: [left.*, right.language]` takes only what is needed, and a key \
written as one name, `on: [path]`, appears once.";

    UNION_TYPES = "E0210", "union-types", "sources of a union have one column with different types":
"Columns are matched by name and must have types that can be brought together.

Example: `line` is `Int64` in one source and `Utf8` in the other.

Fix: convert in a `Project` before the `Union`.";

    UNSUPPORTED_EXPRESSION = "E0211", "unsupported-expression", "an expression that is not allowed here":
"The SQL parses, but this place takes less: a scalar expression cannot hold a subquery, an aggregate or a window \
function.

Example: `predicate: line > (SELECT max(line) FROM defs)`

Fix: use `Aggregate` for aggregates, `Window` for window functions, `Relate` or `Sql` for subqueries.";

    UNKNOWN_FUNCTION = "E0212", "unknown-function", "a function does not exist":
"Neither the engine nor this program has a function of this name, or not of this kind (scalar, aggregate, window).

Example: `function: cuont`

Fix: use the name in the message. `driver sql 'SHOW FUNCTIONS'` lists them.";

    WRONG_ARGUMENTS = "E0213", "wrong-arguments", "a function is given the wrong number or types of arguments":
"The function exists, but none of its forms takes this number and these types of arguments.

Example: `expr: left(name)`

Fix: the message lists the forms the function takes.";

    AMBIGUOUS_COLUMN = "E0214", "ambiguous-column", "a column name can mean several columns":
"In a `Sql` query over several tables the name exists in more than one of them.

Example: `SELECT path FROM nodes JOIN files ON nodes.file_id = files.file_id`

Fix: say which: `nodes.path`.";

    UNKNOWN_TABLE = "E0215", "unknown-table", "a query names a table that does not exist":
"The tables of `Sql.query` are the views and inputs of the spec.

Example: `SELECT * FROM node` where the view is called `nodes`.

Fix: correct the name, or add an input.";

    NOT_A_LIST = "E0216", "not-a-list", "a list column was expected":
"`Unnest.column` must have a list type.

Example: `{kind: Unnest, source: nodes, column: name}` where `name` is `Utf8`.

Fix: name a list column, or make one with `string_to_array`, `array_agg` or `make_array`.";

    NOT_READ_ONLY = "E0217", "not-read-only", "SQL that is not a single SELECT":
"A spec computes tables; statements that create, change or delete are refused, and so are several statements in one text.

Example: `query: DROP TABLE nodes`

Fix: write one SELECT; use `output_targets` to write.";

    NO_COLUMNS = "E0218", "no-columns", "a result without columns":
"A view must have at least one column.

Example: a `Project` of a source that has none.

Fix: name at least one column.";

    UNSUPPORTED_CLAUSE = "E0219", "unsupported-clause", "SQL that has no meaning here":
"The SQL parses, but the engine does not do what this part of it says, and would pass over it without a word. \
Whatever is not known to be honoured is refused: sampling, locks, hints, settings, `WITH ROLLUP`, a `FILTER` on a \
function that is not an aggregate, and others.

Example: `SELECT * FROM nodes TABLESAMPLE BERNOULLI (10)`

Fix: write what the help says instead, or remove it.";

    COMMENT_IN_FOLDED_TEXT = "E0220", "comment-in-folded-text", "a `--` comment that YAML has made longer":
"YAML folds the lines of a plain text, of a text in quotes and of a text after `>` into one line. A comment that \
starts with `--` goes to the end of the line, so it would swallow everything that stands below it in the file.

Example:

```yaml
query: >
  SELECT id FROM orders -- only what was paid
  WHERE paid
```

Fix: write `|` instead of `>` (and after the colon of a plain text), or write the comment as `/* ... */`.";

    COLUMN_CASE = "E0221", "columns-differ-by-case", "columns whose names differ in nothing but letter case":
"Names of columns are compared exactly, so `userId` and `userid` are two columns. In a `Union` each would be NULL in \
half of the rows; in a Delta table two such columns cannot be told apart by most programs.

Example: `{kind: Union, sources: [old, new]}` where `old` has `userId` and `new` has `userid`.

Fix: give both one name in a `Project` before: `{name: userId, expr: userid}`.";

    NOT_COMPUTED = "E0225", "not-computed", "SQL that the engine cannot compute, or not with the right rows":
"The SQL is right, but the engine has no plan for it, or is known to compute it wrongly. Most often it is a subquery that \
refers to the outer query from below a LIMIT, a UNION, a window, or an aggregate with another comparison than `=`. It may \
also be something that gives other values each time it is computed, in a place where it is not said how often that is: \
`random()` in the condition of a join.

Example: `WHERE k IN (SELECT k FROM calls WHERE calls.line < defs.line ORDER BY line LIMIT 1)`

Fix: the message says what to write instead. A view that holds the columns to compare, joined with the outer query, can \
always take the place of such a subquery.";

    CANNOT_PLAN = "E0229", "cannot-plan", "an operation that the engine cannot plan":
"The names and types are right, but the engine has no plan for the operation. Checking a spec makes all plans that a run makes, so nothing is computed before this is found.

Example: `query: SELECT t.id FROM t, LATERAL (SELECT u.n FROM u WHERE u.id > t.id LIMIT 1) AS l`

Fix: say it in another way, such as with a join, a window function or a `GROUP BY`; the message says what cannot be planned.";
}
