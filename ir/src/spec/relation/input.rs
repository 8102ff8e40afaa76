//! Inputs: Delta tables, and files that are none.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::super::SettingValue;
use crate::op::{FileColumn, FileFormat, FileSource, SOURCE_FILE_COLUMN};
use crate::schema::type_text;

/// A table that views may read: a Delta table (`delta_location`), or files as they are (`location` and `format`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputRelation {
    /// The name views use for this table. Unique among inputs and views.
    pub logical_name: String,
    /// Where the Delta table is: a path, or a `file://` URL. Relative paths count from the spec's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta_location: Option<String>,
    /// Where files are that are no Delta table: a file, a folder of files, or a pattern of paths with `*`, `?`, `[...]` and
    /// `**`. A folder must hold nothing but files of the format, apart from names that begin with `_` or `.`. Relative paths
    /// count from the spec's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// What the files at `location` are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<FileFormat>,
    /// Options of the format, by the names that DataFusion has for them: for CSV `has_header`, `delimiter`, `quote`, `escape`,
    /// `comment`, `terminator`, `null_regex`, `truncated_rows` and `schema_infer_max_rec`; for Parquet `binary_as_string`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, SettingValue>,
    /// The columns that are read, and their types. Without it, what the files say of themselves, or what their rows look
    /// like. Columns of the files that are not listed are not read. A value that its type does not hold exactly is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<FileColumns>,
    /// Files may lack columns that others have, or that `schema` lists, and give NULL for them. Without it, files that differ are
    /// refused; of NDJSON, whose rows leave out what is NULL, listed columns that no row has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub union_by_name: bool,
    /// Adds a column with the file every row was read from.
    #[serde(default)]
    pub requires_lineage: bool,
    /// The name of that column. Without it, `__source_file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage_column: Option<String>,
    /// Reads this version of a Delta table. Without it, the latest version when the run starts.
    #[serde(default)]
    pub version_pin: Option<u64>,
}

impl InputRelation {
    /// How its files are read, if it is files that are no Delta table. Types of columns are as [`type_text`] writes them, those
    /// that are none as they were found.
    #[must_use]
    pub fn files(&self) -> Option<FileSource> {
        let canonical = |column: &FileColumn| {
            let known = column.data_type.parse().ok();
            let data_type = known.map_or_else(|| column.data_type.clone(), |known| type_text(&known));
            FileColumn { data_type, ..column.clone() }
        };
        let columns = self.schema.as_ref().map(|columns| columns.0.iter().map(canonical).collect());
        let options = self.options.iter().map(|(key, value)| (key.clone(), value.to_string())).collect();
        Some(FileSource { format: self.format?, options, union_by_name: self.union_by_name, columns })
    }

    /// The name of the column with the file of each row; nothing if the input does not ask for it.
    #[must_use]
    pub fn lineage(&self) -> Option<String> {
        let name = || self.lineage_column.clone().unwrap_or_else(|| SOURCE_FILE_COLUMN.to_owned());
        self.requires_lineage.then(name)
    }

    /// Where it is, as the spec says it; nothing for an input that does not say.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.delta_location.as_deref().or(self.location.as_deref())
    }
}

/// The columns of files, in order: a list of `{name, type, nullable}`, or a map from their names to their types, in which `!`
/// stands behind the type of a column that is never NULL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileColumns(pub Vec<FileColumn>);

impl<'de> Deserialize<'de> for FileColumns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ColumnForms)
    }
}

struct ColumnForms;

impl<'de> Visitor<'de> for ColumnForms {
    type Value = FileColumns;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of types by column, or a list of columns")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, columns: A) -> Result<FileColumns, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(columns)).map(FileColumns)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut types: A) -> Result<FileColumns, A::Error> {
        let mut columns = Vec::new();
        while let Some((name, text)) = types.next_entry::<String, String>()? {
            let (data_type, nullable) = match text.strip_suffix('!') {
                Some(data_type) => (data_type.to_owned(), false),
                None => (text, true),
            };
            columns.push(FileColumn { name, data_type, nullable });
        }
        Ok(FileColumns(columns))
    }
}

impl JsonSchema for FileColumns {
    fn schema_name() -> Cow<'static, str> {
        "FileColumns".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let column = generator.subschema_for::<FileColumn>();
        json_schema!({
            "description": "The columns of files: their types by name, or a list.",
            "oneOf": [
                {
                    "type": "object",
                    "description": "Arrow types by the names of columns, in order; `!` behind a type: never NULL.",
                    "additionalProperties": { "type": "string" }
                },
                { "type": "array", "items": column }
            ]
        })
    }
}
