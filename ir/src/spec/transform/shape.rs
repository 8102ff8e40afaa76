//! Shapes of tables: what a table looks like whatever its rows are made from, as data.
//!
//! `CpgEmit` gives its sources one of the shapes that are part of the program. They stand in `shapes.json`, and nowhere in
//! code: the compiler knows of columns, of rows that are grouped into lists, and of tables that are the nodes or edges of a
//! graph, and nothing of what such a graph is of. Lowering writes a shape out into a [`Conform`]; no stage behind it looks a
//! name up, so a graph read from a text or an archive means the same whatever shapes the program has.
//!
//! The columns of a shape come first in the table, those marked `!` must be in every source, and what a source lacks of the
//! others is NULL. Columns of sources that the shape does not name follow behind. A shape may group the rows of another one
//! (`rows_of`) into lists; then it has no other columns.
//!
//! Specs cannot define shapes of their own: a table of any other form is what `Project` and `Aggregate` are for.

use std::borrow::Cow;
use std::sync::LazyLock;

use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value as Json, json};

use crate::op::{Conform, GraphTable, Lists};
use crate::schema::Schema;

/// One of the shapes that are part of the program; in a spec its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableShape(&'static Shape);

/// A shape as it was read.
#[derive(Debug, PartialEq, Eq)]
struct Shape {
    name: String,
    /// What a row stands for.
    about: String,
    conform: Conform,
}

/// An entry of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    about: String,
    /// Each as it stands in the text form of a schema: `name Type`, with `!` behind it.
    columns: Option<Vec<String>>,
    rows_of: Option<String>,
    lists: Option<Lists>,
    graph: Option<GraphTable>,
}

static SHAPES: LazyLock<Vec<Shape>> = LazyLock::new(shipped);

#[expect(clippy::panic, reason = "the file is part of the program, and a test reads it")]
fn shipped() -> Vec<Shape> {
    read(include_str!("shapes.json")).unwrap_or_else(|error| panic!("shapes.json: {error}"))
}

/// Reads a file of shapes.
fn read(text: &str) -> Result<Vec<Shape>, String> {
    let entries: Vec<Entry> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut shapes: Vec<Shape> = Vec::with_capacity(entries.len());
    for Entry { name, about, columns, rows_of, lists, graph } in entries {
        let failed = |message: String| format!("`{name}`: {message}");
        let columns = match (columns, rows_of) {
            (Some(columns), None) => {
                let text = format!("{{{}}}", columns.join(", "));
                Schema::parse(&text).map_err(|error| failed(error.to_string()))?
            }
            (None, Some(rows)) => match shapes.iter().find(|shape| shape.name == rows) {
                Some(rows) => rows.conform.columns.clone(),
                None => return Err(failed(format!("there is no shape `{rows}` before it"))),
            },
            (Some(_), Some(_)) | (None, None) => {
                return Err(failed("it needs either `columns` or `rows_of`".to_owned()));
            }
        };
        if let Some(missing) = lists.iter().flat_map(Lists::columns).find(|name| !columns.contains(name)) {
            return Err(failed(format!("the lists name a column `{missing}` that the rows do not have")));
        }
        shapes.push(Shape { name, about, conform: Conform { columns, lists, graph } });
    }
    Ok(shapes)
}

impl TableShape {
    /// The shape of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        SHAPES.iter().find(|shape| shape.name == name).map(Self)
    }

    /// The operation that gives its inputs this shape.
    #[must_use]
    pub fn conform(self) -> Conform {
        self.0.conform.clone()
    }
}

impl Serialize for TableShape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.name)
    }
}

impl<'de> Deserialize<'de> for TableShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| serde::de::Error::custom(format!("there is no shape `{name}`")))
    }
}

impl JsonSchema for TableShape {
    fn schema_name() -> Cow<'static, str> {
        "TableShape".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> schemars::Schema {
        let names: Vec<Json> = SHAPES
            .iter()
            .map(|shape| json!({"description": shape.about, "type": "string", "const": shape.name}))
            .collect();
        json_schema!({"description": "The shapes of tables that ship with the program.", "oneOf": names})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shapes_of_the_program_can_be_read() {
        let shapes = read(include_str!("shapes.json")).unwrap();
        let names: Vec<&str> = shapes.iter().map(|shape| shape.name.as_str()).collect();
        assert_eq!(names, ["Nodes", "Edges", "Props", "PropsMap", "EdgesBySrc", "EdgesByDst"]);
        for shape in shapes {
            let name = serde_json::to_value(TableShape::named(&shape.name).unwrap()).unwrap();
            assert_eq!(name, shape.name);
            assert_eq!(serde_json::from_value::<TableShape>(name).unwrap().conform(), shape.conform);
        }
        assert!(serde_json::from_str::<TableShape>("\"Node\"").is_err());
    }

    #[test]
    fn mistakes_in_a_file_of_shapes_name_the_shape() {
        for (entry, wanted) in [
            (r#""columns": ["a Int65"]"#, "`A`: not a schema: `Int65`"),
            (r#""column": ["a Int64"]"#, "unknown field `column`"),
            (r#""rows_of": "B""#, "`A`: there is no shape `B` before it"),
            (r#""graph": "nodes""#, "`A`: it needs either"),
            (
                r#""columns": ["a Int64"], "lists": {"by": ["b"], "list": "l", "element": ["a"], "order": []}"#,
                "`A`: the lists name a column `b`",
            ),
        ] {
            let text = format!(r#"[{{"name": "A", "about": "x", {entry}}}]"#);
            let error = read(&text).unwrap_err();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }
}
