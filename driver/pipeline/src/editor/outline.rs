//! The inputs, views and outputs that a text defines, with their places.

use std::ops::Range;

use ir::diag::{SourceMap, SpecPath};
use ir::spec::load;

use crate::record::PartKind;

/// The definitions of a text, in their order.
#[derive(Clone, Debug)]
pub struct Outline {
    map: SourceMap,
    definitions: Vec<Named>,
}

/// A definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What it is.
    pub kind: PartKind,
    /// Its name.
    pub name: String,
    /// The bytes of all of it.
    pub bytes: Range<usize>,
    /// The bytes of its name.
    pub name_bytes: Range<usize>,
}

impl Outline {
    /// Of a text; nothing when it is no document, or has not the shape of a spec.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let loaded = load(text, "".into());
        let (spec, map) = (loaded.spec?, loaded.source);
        let inputs = spec.input_relations.iter().map(|input| input.logical_name.as_str());
        let views = spec.view_definitions.iter().map(|view| view.name.as_str());
        let outputs = spec.output_targets.iter().map(|output| output.table_name.as_str());
        let mut definitions = Vec::new();
        definitions.extend(named(&map, PartKind::Input, "input_relations", "logical_name", inputs));
        definitions.extend(named(&map, PartKind::View, "view_definitions", "name", views));
        definitions.extend(named(&map, PartKind::Output, "output_targets", "table_name", outputs));
        Some(Self { map, definitions })
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.map.text()
    }

    /// The definitions: inputs, views, outputs.
    #[must_use]
    pub fn definitions(&self) -> &[Named] {
        &self.definitions
    }

    /// What a name in a definition means: a view or an input.
    #[must_use]
    pub fn relation(&self, name: &str) -> Option<&Named> {
        self.definitions.iter().find(|named| named.kind != PartKind::Output && named.name == name)
    }
}

/// The entries of a list that have a name.
fn named<'a>(
    map: &'a SourceMap,
    kind: PartKind,
    list: &'a str,
    field: &'a str,
    names: impl Iterator<Item = &'a str>,
) -> impl Iterator<Item = Named> {
    let root = SpecPath::root().field(list);
    names.enumerate().filter_map(move |(index, name)| {
        let entry = root.index(index);
        let name_bytes = map.locate(&entry.field(field))?.bytes;
        // Of an entry that could not be read the name is made up.
        let is_written = map.text().get(name_bytes.clone()).is_some_and(|text| text.contains(name));
        is_written.then_some(())?;
        Some(Named { kind, name: name.to_owned(), bytes: map.locate(&entry)?.bytes, name_bytes })
    })
}
