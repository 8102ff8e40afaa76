//! The table of clauses that are refused, each with what to write instead and a query that holds it.

/// A clause of SQL that the parser reads and that means nothing here.
#[derive(Debug)]
pub(crate) struct Clause {
    /// What it is called in a sentence.
    pub(crate) name: &'static str,
    /// The first words of it, by which it is found in a text.
    pub(crate) words: &'static [&'static str],
    /// What to write instead.
    pub(crate) instead: &'static str,
    /// Whether it would change data.
    pub(crate) writes: bool,
    /// A query that holds it and nothing else that is refused. Empty where the dialect that is read has no words for
    /// it; the tree has a node all the same.
    #[cfg_attr(not(test), expect(dead_code, reason = "the examples are what the table is tested with"))]
    pub(crate) example: &'static str,
}

/// Declares clauses: a constant for each, and `ALL` with all of them.
macro_rules! clauses {
    ($($constant:ident = $name:literal $([$($word:literal)+])? $(writes $writes:literal)?: $instead:literal, $example:literal;)+) => {
        $(
            #[doc = concat!("Refused: ", $name, ".")]
            pub(crate) const $constant: Clause = Clause {
                name: $name,
                words: &[$($($word),+)?],
                instead: $instead,
                writes: false $(|| $writes)?,
                example: $example,
            };
        )+
        /// All clauses that are refused.
        #[cfg(test)]
        pub(super) const ALL: &[&Clause] = &[$(&$constant),+];
    };
}

clauses! {
    // Queries.
    CHANGES_DATA = "a statement inside the query" ["INSERT"] writes true:
        "use `output_targets` to write", "WITH x AS (INSERT INTO t SELECT 1) SELECT 1";
    INTO = "SELECT INTO" ["INTO"] writes true: "use `output_targets` to write", "SELECT a INTO u FROM t";
    FETCH = "FETCH FIRST" ["FETCH"]: "write LIMIT", "SELECT a FROM t FETCH FIRST 3 ROWS ONLY";
    LOCK = "FOR UPDATE or FOR SHARE" ["FOR"]: "remove it; a query locks nothing here", "SELECT a FROM t FOR UPDATE";
    FOR_FORMAT = "FOR XML, FOR JSON or FOR BROWSE" ["FOR"]:
        "remove it; a query makes rows", "SELECT a FROM t FOR JSON AUTO";
    SETTINGS = "SETTINGS" ["SETTINGS"]:
        "remove it; a query has no settings of its own", "SELECT a FROM t SETTINGS max_threads = 1";
    FORMAT = "FORMAT" ["FORMAT"]: "remove it; a query makes rows", "SELECT a FROM t FORMAT JSON";
    PIPE = "the pipe operator `|>`" ["|>"]:
        "write a SELECT, or one view for each step", "SELECT a FROM t |> WHERE a > 1";
    LIMIT_VALUE = "a LIMIT or OFFSET that is not a number from 0":
        "write a whole number; for rows by a computed number, write QUALIFY row_number() OVER (ORDER BY a) <= n",
        "SELECT a FROM t LIMIT (SELECT 2)";
    LIMIT_BY = "LIMIT ... BY" ["BY"]:
        "write QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) <= 2", "SELECT a FROM t LIMIT 2 BY a";
    TABLE_QUERY = "TABLE as a query" ["TABLE"]: "write SELECT * FROM", "TABLE t";
    MINUS = "MINUS" ["MINUS"]: "write EXCEPT", "SELECT a FROM t MINUS SELECT a FROM u";
    SET_QUANTIFIER = "BY NAME after EXCEPT or INTERSECT" ["BY" "NAME"]:
        "name the columns in both queries", "SELECT a FROM t EXCEPT BY NAME SELECT a FROM u";
    VALUE_KEYWORD = "VALUE for VALUES" ["VALUE"]: "write VALUES", "SELECT a FROM (VALUE (1)) AS v(a)";
    MATERIALIZED = "MATERIALIZED" ["MATERIALIZED"]:
        "make the definition a view of the spec; `cache_policy.overrides` decides whether it is kept",
        "WITH x AS MATERIALIZED (SELECT a FROM t) SELECT a FROM x";
    CTE_FROM = "FROM after a definition of WITH" ["FROM"]: "write a SELECT after the definitions", "";

    // SELECT.
    HINT = "an optimizer hint" ["SELECT"]: "remove it; plans are chosen by cost", "SELECT /*+ BROADCAST(t) */ a FROM t";
    MODIFIER = "a modifier of MySQL after SELECT" ["SELECT"]: "remove it", "";
    TOP = "TOP" ["TOP"]: "write LIMIT at the end", "SELECT TOP 3 a FROM t";
    EXCLUDE_LIST = "EXCLUDE after the list of columns" ["EXCLUDE"]: "write it after the star: `* EXCLUDE (a)`", "";
    PREWHERE = "PREWHERE" ["PREWHERE"]: "write WHERE", "SELECT a FROM t PREWHERE a > 1";
    WINDOW_IN_WHERE = "a window call in WHERE" ["OVER"]:
        "write QUALIFY instead of WHERE", "SELECT a FROM t WHERE row_number() OVER (ORDER BY a) = 1";
    CONNECT_BY = "CONNECT BY" ["CONNECT" "BY"]:
        "write WITH RECURSIVE", "SELECT a FROM t CONNECT BY a = b";
    START_WITH = "START WITH" ["START" "WITH"]:
        "write WITH RECURSIVE", "SELECT a FROM t START WITH a = 1";
    LATERAL_VIEW = "LATERAL VIEW" ["LATERAL" "VIEW"]:
        "use a view of kind `Unnest`, or unnest(list) in the SELECT", "SELECT a FROM t LATERAL VIEW explode(l) x AS e";
    CLUSTER_BY = "CLUSTER BY" ["CLUSTER" "BY"]: "remove it; outputs have `partition_by` and `sort_by`", "SELECT a FROM t CLUSTER BY a";
    DISTRIBUTE_BY = "DISTRIBUTE BY" ["DISTRIBUTE" "BY"]:
        "remove it; outputs have `partition_by`", "SELECT a FROM t DISTRIBUTE BY a";
    SORT_BY = "SORT BY" ["SORT" "BY"]: "write ORDER BY; outputs have `sort_by`", "SELECT a FROM t SORT BY a";
    VALUE_TABLE = "SELECT AS STRUCT or AS VALUE" ["AS"]: "write struct(a, b) in the list of columns", "";
    FROM_ALONE = "FROM without SELECT" ["FROM"]: "write SELECT * FROM", "FROM t";
    WILDCARD_ILIKE = "ILIKE after a star" ["ILIKE"]: "name the columns", "SELECT * ILIKE 'a%' FROM t";
    WILDCARD_REPLACE = "REPLACE after a star" ["REPLACE"]:
        "write `* EXCLUDE (a), a + 1 AS a`", "SELECT * REPLACE (a + 1 AS a) FROM t";
    WILDCARD_RENAME = "RENAME after a star" ["RENAME"]:
        "write `* EXCLUDE (a), a AS b`", "SELECT * RENAME (a AS b) FROM t";
    WILDCARD_ALIAS = "a name for a star" ["*"]: "name the columns", "";
    WILDCARD_OF_EXPRESSION = "a star after an expression" ["*"]: "name the fields: `s['a'] AS a`", "";
    SEVERAL_ALIASES = "several names for one column" ["AS"]: "give one name", "SELECT f(a) AS (b, c) FROM t";
    ORDER_BY_ALL = "ORDER BY ALL" ["ORDER" "BY" "ALL"]: "name the columns", "SELECT a FROM t ORDER BY ALL";
    WITH_FILL = "WITH FILL" ["WITH" "FILL"]:
        "join with a view that has a row for every step", "SELECT a FROM t ORDER BY a WITH FILL";
    INTERPOLATE = "INTERPOLATE" ["INTERPOLATE"]:
        "compute the value with a window function", "SELECT a FROM t ORDER BY a INTERPOLATE (a AS a + 1)";
    GROUP_BY_MODIFIER = "WITH ROLLUP, WITH CUBE or WITH TOTALS" ["WITH"]:
        "write GROUP BY ROLLUP (a, b) or CUBE (a, b)", "SELECT a, count(*) FROM t GROUP BY a WITH ROLLUP";
    GROUPING_POSITION = "a position inside ROLLUP, CUBE or GROUPING SETS":
        "name the column", "SELECT a, count(*) FROM t GROUP BY ROLLUP (1)";
    GROUPING_ELSEWHERE = "ROLLUP, CUBE or GROUPING SETS outside of GROUP BY" ["ROLLUP"]:
        "group by it", "";
    GROUPING_TUPLE = "columns in parentheses inside ROLLUP or CUBE":
        "write GROUPING SETS with every combination", "SELECT a, b, count(*) FROM t GROUP BY ROLLUP ((a, b))";

    // FROM.
    TABLE_FUNCTION = "a table function":
        "read a view or an input; a list becomes rows by a view of kind `Unnest`", "SELECT a FROM numbers(10)";
    NAME_BY_FUNCTION = "a name that is computed": "write the name", "";
    TABLE_HINT = "WITH (...) after a table" ["WITH"]: "remove it; plans are chosen by cost", "SELECT a FROM t WITH (NOLOCK)";
    INDEX_HINT = "an index hint" ["INDEX"]: "remove it; there are no indexes", "";
    TABLE_VERSION = "a version of a table in FROM" ["FOR"]:
        "set `version_pin` of the input", "";
    ORDINALITY = "WITH ORDINALITY" ["WITH" "ORDINALITY"]:
        "number the rows with row_number()", "SELECT a FROM UNNEST([1, 2]) WITH ORDINALITY AS u(a, n)";
    PARTITION = "PARTITION after a table" ["PARTITION"]:
        "write a condition on the partition column", "SELECT a FROM t PARTITION (p0)";
    JSON_PATH = "a path into a table" ["."]: "use a view of kind `Unnest`", "";
    SAMPLE = "sampling" ["TABLESAMPLE"]:
        "write a condition, such as stable_hash64(id) % 100 = 0", "SELECT a FROM t TABLESAMPLE BERNOULLI (10)";
    UNNEST_COLUMN = "UNNEST of a column in FROM" ["UNNEST"]:
        "write unnest(list) in the SELECT, or use a view of kind `Unnest`", "SELECT a FROM t CROSS JOIN UNNEST(t.l) AS u (a)";
    UNNEST_OFFSET = "WITH OFFSET" ["WITH" "OFFSET"]:
        "number the rows with row_number()", "";
    JSON_TABLE = "JSON_TABLE" ["JSON_TABLE"]:
        "extract fields with functions", "SELECT a FROM JSON_TABLE(j, '$[*]' COLUMNS (a INT PATH '$')) AS x";
    OPEN_JSON = "OPENJSON" ["OPENJSON"]: "extract fields with functions", "SELECT a FROM OPENJSON(j) WITH (a INT '$.a')";
    XML_TABLE = "XMLTABLE" ["XMLTABLE"]:
        "convert before the table is read", "SELECT a FROM XMLTABLE('/r' PASSING x COLUMNS a INT PATH 'a') AS x";
    SEMANTIC_VIEW = "SEMANTIC_VIEW" ["SEMANTIC_VIEW"]: "write the joins out", "";
    PIVOT = "PIVOT" ["PIVOT"]:
        "write one aggregate a column: sum(v) FILTER (WHERE k = 'x') AS x",
        "SELECT * FROM t PIVOT (sum(v) FOR k IN ('x', 'y')) AS p";
    UNPIVOT = "UNPIVOT" ["UNPIVOT"]:
        "write one SELECT a column, with UNION ALL", "SELECT * FROM t UNPIVOT (v FOR k IN (a, b)) AS u";
    MATCH_RECOGNIZE = "MATCH_RECOGNIZE" ["MATCH_RECOGNIZE"]:
        "use window functions",
        "SELECT * FROM t MATCH_RECOGNIZE (ORDER BY a MEASURES b AS c PATTERN (x) DEFINE x AS b > 1)";
    ALIAS_TYPE = "a type after the name of a column": "convert with CAST in the SELECT", "SELECT a FROM (SELECT 1) AS v(a INT)";
    ALIAS_AT = "AT after the name of a table" ["AT"]: "number the rows with row_number()", "";
    GLOBAL_JOIN = "GLOBAL before JOIN" ["GLOBAL"]: "remove it", "SELECT t.a FROM t GLOBAL JOIN u ON t.a = u.a";
    JOIN_WITHOUT_CONDITION = "a join without a condition" ["JOIN"]:
        "give ON or USING, or write CROSS JOIN", "SELECT t.a FROM t JOIN u";
    CROSS_JOIN_CONDITION = "a condition of a CROSS JOIN" ["CROSS" "JOIN"]: "write JOIN", "";
    SEMI_JOIN = "SEMI or ANTI without a side" ["JOIN"]: "write LEFT SEMI JOIN or LEFT ANTI JOIN", "SELECT t.a FROM t SEMI JOIN u ON t.a = u.a";
    APPLY = "APPLY" ["APPLY"]: "write JOIN LATERAL ... ON true", "SELECT a FROM t CROSS APPLY (SELECT 1) AS x";
    AS_OF_JOIN = "ASOF JOIN" ["ASOF"]:
        "join on the key and the range, then keep the latest with QUALIFY row_number()",
        "SELECT t.a FROM t ASOF JOIN u MATCH_CONDITION (t.a >= u.a) ON t.b = u.b";
    STRAIGHT_JOIN = "STRAIGHT_JOIN" ["STRAIGHT_JOIN"]: "write JOIN", "";
    ARRAY_JOIN = "ARRAY JOIN" ["ARRAY" "JOIN"]: "use a view of kind `Unnest`", "SELECT a FROM t ARRAY JOIN l";

    // Expressions.
    VARIABLE = "a variable" ["@"]: "use a parameter: $1, with an entry in `typed_parameters`", "SELECT @a FROM t";
    OPERATOR = "this operator": "use a function", "SELECT a -> 'b' FROM t";
    CARET = "the operator `^`" ["^"]:
        "it is a power in some dialects and exclusive or in others; write power(a, b)", "SELECT a ^ b FROM t";
    XOR = "XOR" ["XOR"]: "write `<>` between conditions", "SELECT a XOR b FROM t";
    OVERLAPS = "OVERLAPS" ["OVERLAPS"]:
        "compare starts and ends: a.start < b.end AND b.start < a.end", "SELECT a OVERLAPS b FROM t";
    SIMILAR = "SIMILAR TO" ["SIMILAR" "TO"]: "write `a ~ '^(pattern)$'`; SIMILAR TO would match a part of the text",
        "SELECT a FROM t WHERE a SIMILAR TO 'x'";
    REGEXP = "RLIKE, REGEXP or MATCH": "write `a ~ 'pattern'`", "SELECT a FROM t WHERE a RLIKE 'x'";
    LIKE_ANY = "LIKE ANY" ["ANY"]: "write one LIKE a pattern, with OR", "SELECT a FROM t WHERE a LIKE ANY ('x', 'y')";
    ROW_VALUE = "a row of values in parentheses": "compare the columns one by one, or write struct(a, b)", "SELECT (a, b) FROM t";
    ESCAPE = "an escape character other than the backslash" ["ESCAPE"]:
        "write the pattern with backslashes", "SELECT a FROM t WHERE a LIKE '!%' ESCAPE '!'";
    COLLATE = "COLLATE" ["COLLATE"]: "compare lower(a), or utf8_normalize(a)", "SELECT a FROM t ORDER BY a COLLATE de";
    JSON_ACCESS = "a path into JSON" [":"]: "extract fields with functions", "SELECT a:b FROM t";
    NORMALIZED = "IS NORMALIZED" ["IS"]: "compare with utf8_normalize(a)", "SELECT a IS NFC NORMALIZED FROM t";
    IN_UNNEST = "IN UNNEST" ["IN" "UNNEST"]: "write array_has(list, value)", "SELECT a FROM t WHERE a IN UNNEST(l)";
    CONVERT = "CONVERT" ["CONVERT"]: "write CAST", "SELECT CONVERT(a USING utf8) FROM t";
    CAST_FORMAT = "FORMAT in a CAST" ["FORMAT"]: "write to_char, to_date or to_timestamp", "SELECT CAST(a AS DATE FORMAT 'YYYY') FROM t";
    CAST_ARRAY = "ARRAY at the end of a CAST" ["ARRAY"]: "write the type as BIGINT[]", "SELECT CAST(a AS BIGINT ARRAY) FROM t";
    ROUND_TO = "a unit or a scale of CEIL or FLOOR": "write date_trunc, or scale the number", "SELECT FLOOR(a TO DAY) FROM t";
    TRIM_LIST = "several texts to trim": "nest the calls", "SELECT TRIM(a, 'x', 'y') FROM t";
    PREFIXED = "a text with a character set": "write the text alone", "SELECT _utf8'x' FROM t";
    LITERAL = "this kind of literal": "write a text in single quotes, or X'00FF' for bytes", "SELECT N'x' FROM t";
    OUTER_JOIN_SIGN = "(+) of an outer join" ["(" "+" ")"]: "write LEFT JOIN", "";
    PRIOR = "PRIOR" ["PRIOR"]: "write WITH RECURSIVE", "";
    MATCH_AGAINST = "MATCH ... AGAINST" ["MATCH"]: "write a LIKE '%x%'", "SELECT MATCH (a) AGAINST ('x') FROM t";
    MEMBER_OF = "MEMBER OF" ["MEMBER" "OF"]: "write array_has(list, value)", "SELECT a MEMBER OF (l) FROM t";
    STRUCT_FIELDS = "types of fields in STRUCT": "write named_struct('a', CAST(x AS BIGINT))", "SELECT STRUCT<a INT>(1) FROM t";
    STAR_ALONE = "a star here" ["*"]: "name the columns", "";
    ARRAY_SUBQUERY = "a subquery inside an array": "write (SELECT array_agg(a) FROM t)", "SELECT ARRAY[(SELECT max(a) FROM t)] FROM t";
    INTERVAL_PRECISION = "a precision or a range of an INTERVAL": "write it as a text: INTERVAL '1 day 2 hours'", "SELECT INTERVAL '1 2' DAY TO HOUR FROM t";
    LAMBDA_TYPE = "a type of a parameter of a function": "remove the type", "";
    TIME_ZONE = "a time zone that is computed" ["AT" "TIME" "ZONE"]: "write the zone as a text", "SELECT a AT TIME ZONE b FROM t";
    SLICE_OPEN = "a slice with an open end": "write both ends, or array_slice", "SELECT l[2:] FROM t";
    DOT_ACCESS = "a field by `.` after brackets or a literal": "write s['a']['b']", "SELECT l[1].a FROM t";
    ANY_OF_LIST = "ANY or ALL over a list": "write array_has(list, a), or compare with array_min or array_max", "SELECT a = ANY (l) FROM t";

    SUBQUERY_DEPTH = "a subquery inside of twelve others": "make a view or a definition of WITH of the innermost ones",
        "SELECT (SELECT (SELECT (SELECT (SELECT (SELECT (SELECT (SELECT (SELECT (SELECT (SELECT (SELECT (SELECT (SELECT a))))))))))))) FROM t";

    // Calls.
    PARAMETERS = "a second list of arguments": "write all arguments in one list", "SELECT quantile(0.5)(a) FROM t";
    SUBQUERY_ARGUMENT = "a subquery as a list of arguments": "put it in parentheses of its own", "SELECT ARRAY(SELECT a FROM t) FROM t";
    ARGUMENT_CLAUSE = "this clause among the arguments": "remove it", "SELECT array_agg(a LIMIT 3) FROM t";
    QUALIFIED_STAR = "a star of one table as an argument": "write count(*), or count(t.id) for the rows that have one", "SELECT count(t.*) FROM t";
    STAR_OPTIONS = "a star with options as an argument": "name the columns", "SELECT count(* EXCLUDE (a)) FROM t";
    WINDOW_UNKNOWN = "a window name that no WINDOW clause defines": "define it in a WINDOW clause of the same SELECT", "SELECT sum(a) OVER w FROM t";
    WINDOW_CONFLICT = "a second PARTITION BY, ORDER BY or frame of a named window": "give the whole window in one place",
        "SELECT sum(a) OVER (w ORDER BY b) FROM t WINDOW w AS (ORDER BY c)";
    WINDOW_TWICE = "a second window of the same name": "give it another name", "SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY a), w AS (ORDER BY b)";
    GROUP_WITH_WINDOW = "WITHIN GROUP together with OVER" ["WITHIN" "GROUP"]: "aggregate first", "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) OVER () FROM t";

    // Types.
    TYPE = "this type": "use a type such as BIGINT, DOUBLE, DECIMAL(10, 2), VARCHAR, DATE, TIMESTAMP, BOOLEAN or BYTEA", "SELECT CAST(a AS JSON) FROM t";
    TEXT_LENGTH = "a length of a text": "texts have no length here; write VARCHAR, and left(a, 10) to cut", "SELECT CAST(a AS VARCHAR(10)) FROM t";
    FLOAT_PRECISION = "a precision of FLOAT or DOUBLE": "write REAL (32 bits) or DOUBLE (64 bits)", "SELECT CAST(a AS FLOAT(53)) FROM t";
    FIELD_OPTIONS = "an option of a field": "remove it", "";

    // Definitions.
    DEFINED_TWICE = "a second definition of one name in a WITH": "give it another name",
        "WITH x AS (SELECT a FROM t), x AS (SELECT b FROM t) SELECT * FROM x";
    RECURSIVE_FORM = "a definition of WITH RECURSIVE that reads itself and is not a UNION":
        "write `first rows UNION ALL rows made of the name`, or leave RECURSIVE away if the name is that of a table",
        "WITH RECURSIVE t AS (SELECT a FROM t WHERE a > 1) SELECT a FROM t";
    RECURSIVE_FIRST_TERM = "a recursive definition that reads itself in the part before UNION":
        "read the name after UNION only; give the definition another name if a table was meant",
        "WITH RECURSIVE r AS (SELECT a FROM r UNION ALL SELECT a FROM r) SELECT a FROM r";
    RECURSIVE_CLAUSE = "WITH, ORDER BY or LIMIT of a recursive definition":
        "write it in the query that reads the definition",
        "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM r LIMIT 3) SELECT a FROM r";
    RECURSIVE_SUBQUERY = "a recursive definition that reads itself in a subquery":
        "read the name in FROM",
        "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM t WHERE a IN (SELECT a FROM r)) SELECT a FROM r";
    RECURSIVE_TWICE = "a recursive definition that reads itself more than once":
        "read the name once",
        "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT r.a FROM r JOIN r AS s ON r.a = s.a) SELECT a FROM r";
    RECURSIVE_FORWARD = "a definition of WITH RECURSIVE that reads one after it":
        "put the other one first",
        "WITH RECURSIVE x AS (SELECT a FROM y), y AS (SELECT a FROM t) SELECT a FROM x";
}
