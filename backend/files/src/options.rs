//! The options of a format.
//!
//! Names and values are those of DataFusion's table options. Of these, an input may set what decides which rows are read;
//! what decides how files are written, and how fast they are read, is refused instead of ignored.

use datafusion::common::config::{ConfigFileType, CsvOptions, TableOptions};
use ir::op::{FileFormat, FileSource};
use regex::Regex;

use crate::{FileError, Result};

/// What the options of an input say.
#[derive(Clone, Debug)]
pub(crate) enum FormatOptions {
    Csv(CsvForm),
    Ndjson,
    Parquet { binary_as_string: bool },
    Arrow,
}

/// How a CSV file is written.
#[derive(Clone, Debug)]
pub(crate) struct CsvForm {
    pub(crate) has_header: bool,
    pub(crate) delimiter: u8,
    pub(crate) quote: u8,
    pub(crate) escape: Option<u8>,
    pub(crate) comment: Option<u8>,
    /// The byte that ends a record; any line break if there is none.
    pub(crate) terminator: Option<u8>,
    /// Which values are NULL; the empty ones if there is none.
    pub(crate) null_regex: Option<Regex>,
    /// Whether records may lack their last values.
    pub(crate) truncated_rows: bool,
    /// How many records tell what the columns are.
    pub(crate) infer_from: usize,
}

/// How many records of a file tell the types of its columns, unless an option says otherwise: DataFusion's number.
const INFER_FROM: usize = 1000;

const CSV: [&str; 9] = [
    "has_header",
    "delimiter",
    "quote",
    "escape",
    "comment",
    "terminator",
    "null_regex",
    "truncated_rows",
    "schema_infer_max_rec",
];
const PARQUET: [&str; 1] = ["binary_as_string"];

impl FormatOptions {
    /// What a source says, checked.
    pub(crate) fn of(source: &FileSource) -> Result<Self> {
        let (kind, settable): (_, &[&str]) = match source.format {
            FileFormat::Csv => (ConfigFileType::CSV, &CSV),
            FileFormat::Parquet => (ConfigFileType::PARQUET, &PARQUET),
            FileFormat::Ndjson => (ConfigFileType::JSON, &[]),
            // It has no options in DataFusion.
            FileFormat::Arrow => (ConfigFileType::JSON, &[]),
        };
        let mut table = TableOptions::new();
        table.set_config_format(kind);
        let existing: Vec<String> = match source.format {
            FileFormat::Arrow => Vec::new(),
            _ => table.entries().into_iter().map(|entry| entry.key).collect(),
        };
        for (option, value) in &source.options {
            let refused = |message: String| FileError::Option {
                option: option.clone(),
                message,
                known: settable.iter().map(|&known| known.to_owned()).collect(),
            };
            let format = source.format.name();
            if !settable.contains(&option.as_str()) {
                return Err(refused(if existing.contains(&format!("format.{option}")) {
                    format!("option `{option}` of {format} cannot be set: {}", why_not(option))
                } else {
                    format!("{format} has no option `{option}`")
                }));
            }
            table.set(&format!("format.{option}"), value).map_err(|error| {
                let reason = error.strip_backtrace();
                refused(format!("option `{option}` of {format} cannot be `{value}`: {reason}"))
            })?;
        }
        Ok(match source.format {
            FileFormat::Csv => Self::Csv(CsvForm::of(&table.csv)?),
            FileFormat::Ndjson => Self::Ndjson,
            FileFormat::Parquet => Self::Parquet { binary_as_string: table.parquet.global.binary_as_string },
            FileFormat::Arrow => Self::Arrow,
        })
    }
}

/// Why an option that exists is not one of an input.
fn why_not(option: &str) -> &'static str {
    match option {
        "compression" => "this build reads no compressed files; decompress them first",
        "newlines_in_values" => "values may always have line breaks, if they are quoted",
        "double_quote" => "a doubled quote in a quoted value is always one quote",
        "newline_delimited" => "a file is one object a line; write an array as lines first",
        "schema_infer_max_rec" => "all rows tell what the columns are, so that no field is overlooked",
        _ => "it decides how files are written or how fast they are read, not what is in them",
    }
}

impl CsvForm {
    fn of(options: &CsvOptions) -> Result<Self> {
        let refused = |option: &str, message: String| FileError::Option {
            option: option.to_owned(),
            message,
            known: CSV.iter().map(|&known| known.to_owned()).collect(),
        };
        let null_regex = match &options.null_regex {
            Some(text) => Some(Regex::new(text).map_err(|error| {
                refused("null_regex", format!("option `null_regex` is no regular expression: {error}"))
            })?),
            None => None,
        };
        let form = Self {
            has_header: options.has_header.unwrap_or(true),
            delimiter: options.delimiter,
            quote: options.quote,
            escape: options.escape,
            comment: options.comment,
            terminator: options.terminator,
            null_regex,
            truncated_rows: options.truncated_rows.unwrap_or(false),
            infer_from: options.schema_infer_max_rec.unwrap_or(INFER_FROM),
        };
        let special = [
            ("delimiter", Some(form.delimiter)),
            ("quote", Some(form.quote)),
            ("escape", form.escape),
            ("comment", form.comment),
            ("terminator", form.terminator),
        ];
        for (index, (option, byte)) in special.iter().enumerate() {
            let Some(byte) = byte else { continue };
            // Bytes above are parts of letters; and an end of a line is one whatever the options say.
            if !byte.is_ascii() || (matches!(byte, b'\n' | b'\r') && *option != "terminator") {
                let message = format!("option `{option}` must be one ASCII character that ends no line");
                return Err(refused(option, message));
            }
            let mut earlier = special.iter().take(index).filter(|(_, other)| other.as_ref() == Some(byte));
            if let Some((other, _)) = earlier.next() {
                return Err(refused(
                    option,
                    format!("options `{option}` and `{other}` are the same character"),
                ));
            }
        }
        Ok(form)
    }
}
