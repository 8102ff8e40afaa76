//! The forms that results have.

use clap::{ValueEnum, builder::PossibleValue};

/// The form of results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON document where a command has one to give; diagnostics as one JSON object a line
    Json,
    /// Comma-separated values with a header; NULL is nothing, and an empty text `""`
    Csv,
    /// A JSON object a line
    Ndjson,
    /// A table of Markdown
    Markdown,
    /// A Parquet file (`sql` with `--output`); a folder with two (`export`)
    Parquet,
    /// A graph in the DOT language
    Dot,
    /// A graph in GraphML
    Graphml,
    /// A graph as JSON, an object a line for each node and edge
    Jsonl,
    /// An index of symbols in SCIP
    Scip,
    /// A graph as pairs of indices, in Parquet
    Coo,
}

impl Format {
    /// Whether every command has this form.
    pub(crate) fn is_of_all(self) -> bool {
        matches!(self, Self::Text | Self::Json)
    }

    /// Whether rows have this form.
    pub(crate) fn is_of_rows(self) -> bool {
        self == Self::Parquet || !self.is_of_graphs()
    }

    /// Whether graphs have this form.
    pub(crate) fn is_of_graphs(self) -> bool {
        match self {
            Self::Parquet | Self::Dot | Self::Graphml | Self::Jsonl | Self::Scip | Self::Coo => true,
            Self::Text | Self::Json | Self::Csv | Self::Ndjson | Self::Markdown => false,
        }
    }

    /// Its name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .as_ref()
            .map_or_else(String::new, |it| PossibleValue::get_name(it).to_owned())
    }
}
