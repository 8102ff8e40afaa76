//! The wrong results of DataFusion 55.2 that are known here, and what is done about each.
//!
//! The table is for whoever upgrades DataFusion. Each entry has a query with its right rows. A test runs the query in a
//! session of this crate, where it must be right or refused, and in one of DataFusion alone, where it must still be
//! wrong. When the second fails, the guard can go.

mod relations;
mod values;

/// What is done about a wrong result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The query is planned differently, with the right rows.
    Rewritten,
    /// A function of ours has the name of DataFusion's.
    Replaced,
    /// The query is refused.
    Refused,
}

/// What a query must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// These rows in any order, values separated by `|`, NULL empty.
    Rows(&'static [&'static str]),
    /// An error, and no rows.
    Error,
}

/// A query that DataFusion gets wrong, over the tables [`TABLES`].
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Issues of apache/datafusion.
    pub issues: &'static [u32],
    /// What is done.
    pub guard: Guard,
    /// The query.
    pub query: &'static str,
    /// What it must give.
    pub right: Right,
}

/// Tables with NULLs, copies and the ends of types, and the queries that make them.
pub const TABLES: [(&str, &str); 7] = [
    (
        "o",
        "SELECT * FROM (VALUES (1, 1, 10), (2, 2, 20), (NULL, 2, NULL), (2, NULL, 40), (5, 9, 50)) t(k, g, v)",
    ),
    (
        "i",
        "SELECT * FROM (VALUES (1, 1, 5), (NULL, 2, NULL), (2, 2, 20), (2, NULL, 40), (7, 3, 7)) t(k, g, w)",
    ),
    ("c", "SELECT * FROM (VALUES (1), (1), (1), (2), (NULL), (NULL)) t(x)"),
    (
        "s",
        "SELECT id, v, t FROM (VALUES (1, 10, 'x'), (2, NULL, NULL), (3, 20, 'y'), (4, 30, ''), (5, 40, 'z'), \
         (6, NULL, 'z'), (7, NULL, 'z'), (8, 70, 'z')) t(id, v, t)",
    ),
    (
        "f",
        "SELECT x, CAST(y AS DOUBLE) AS y, CAST(z AS DOUBLE) AS z FROM (VALUES (1, '-0.5', 'NaN'), (1, 'NaN', '1'), \
         (2, 'inf', '-inf')) t(x, y, z)",
    ),
    ("zeros", "SELECT id, CAST(z AS DOUBLE) AS z FROM (VALUES (1, '0'), (2, '-0'), (3, '2')) t(id, z)"),
    (
        "n",
        "SELECT 9223372036854775807 AS big, arrow_cast(500.2, 'Float32') AS speed, \
         arrow_cast('9007199254740993.01', 'Decimal128(18, 2)') AS amount, \
         arrow_cast(2932896, 'Date32') AS day, arrow_cast('12345678901234567890123456789012345678', 'Decimal128(38, 0)') AS wide",
    ),
];

/// The table. Not in it, because no query of a few rows shows them: dynamic filters (#16588, #20213, #20267; switched
/// off), fields of structs that are moved to a scan (#25412, #25446; switched off), equal projections that are taken for
/// one (`emit::relational::projection`), the second execution of a build side when memory runs out (#24676,
/// `rules::build_sides`), sorts that are moved below an OFFSET (`rules::SkippedRows`), and a column that equals zero in
/// the place of a zero (`rules::EqualZeros`).
pub const KNOWN: [&[Known]; 2] = [relations::KNOWN, values::KNOWN];

#[cfg(test)]
mod tests;
