//! How the data to write and an existing table differ.

use std::fmt;

/// One difference between the data to write and the table, in the terms of the table's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaMismatch {
    /// The table has a column the data lacks.
    Missing {
        /// The column.
        column: String,
        /// Its Delta type.
        data_type: String,
        /// The SQL type of its values, if SQL has a word for it.
        sql: Option<String>,
        /// Whether the table allows NULL in it.
        nullable: bool,
    },
    /// The data has a column the table lacks.
    Extra {
        /// The column.
        column: String,
        /// Its Delta type.
        data_type: String,
        /// A column of the table that differs only in case, if there is one.
        similar: Option<String>,
    },
    /// Both have the column, with different types.
    Type {
        /// The column.
        column: String,
        /// The Delta type of the table's column.
        table: String,
        /// The Delta type the data would be stored as.
        data: String,
        /// The SQL type of the table's values, if SQL has a word for it.
        sql: Option<String>,
    },
    /// The data may be NULL where the table forbids it.
    Nullability {
        /// The column.
        column: String,
    },
}

impl SchemaMismatch {
    /// The column it is about.
    #[must_use]
    pub fn column(&self) -> &str {
        match self {
            Self::Missing { column, .. }
            | Self::Extra { column, .. }
            | Self::Type { column, .. }
            | Self::Nullability { column } => column,
        }
    }
}

impl fmt::Display for SchemaMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { column, data_type, sql, nullable } => {
                let null = if *nullable { "" } else { " NOT NULL" };
                write!(f, "column `{column}` ({data_type}{null}) is missing: add it to the output")?;
                match sql {
                    Some(sql) if *nullable => write!(f, ", if need be as `CAST(NULL AS {sql})`"),
                    _ => Ok(()),
                }
            }
            Self::Extra { column, data_type, similar: Some(similar) } => {
                write!(
                    f,
                    "column `{column}` ({data_type}) is not in the table, which has `{similar}`: rename it"
                )
            }
            Self::Extra { column, data_type, similar: None } => {
                write!(
                    f,
                    "column `{column}` ({data_type}) is not in the table: drop it, or let the write add it (schema mode `additive`)"
                )
            }
            Self::Type { column, table, data, sql } => {
                write!(f, "column `{column}` is {table} in the table and {data} in the data: cast it")?;
                match sql {
                    Some(sql) => write!(f, " with `CAST({} AS {sql})`", identifier(column)),
                    None => Ok(()),
                }
            }
            Self::Nullability { column } => {
                write!(
                    f,
                    "column `{column}` is NOT NULL in the table and may be NULL in the data: filter or coalesce it"
                )
            }
        }
    }
}

/// A column's name as SQL has it.
fn identifier(name: &str) -> String {
    let plain = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.chars().all(|next| next.is_ascii_lowercase() || next.is_ascii_digit() || next == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}
