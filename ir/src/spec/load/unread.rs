//! Parts of a spec that cannot be read.
//!
//! An input, a view or an output with a misspelt kind or a value of a wrong type says what is wrong with it, and no more
//! than that: everything else of the spec is still read and checked. In the lists of the spec it leaves an entry that
//! stands for it, so that the others keep their places, and its name is remembered, so that nothing is said about the entry
//! and those who read it are not blamed.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::diag::{Segment, SpecPath};

/// The names of the parts of a spec that could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Of inputs and views, which share one space of names.
    pub views: BTreeSet<String>,
    /// Of outputs.
    pub outputs: BTreeSet<String>,
}

impl Unread {
    /// Whether all was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.views.is_empty() && self.outputs.is_empty()
    }

    /// Remembers the part at this place of the document, of which `read` is what could be read; gives the entry that
    /// stands for it. Nothing where no part begins.
    pub(super) fn entry(&mut self, place: &SpecPath, read: &Json) -> Option<Json> {
        let [Segment::Field(list), Segment::Index(index)] = place.segments() else { return None };
        let name = |field: &str| match read.get(field).and_then(Json::as_str) {
            Some(name) => name.to_owned(),
            None => format!("{list} {index}"),
        };
        match list.as_str() {
            "input_relations" => {
                let name = name("logical_name");
                self.views.insert(name.clone());
                Some(json!({"logical_name": name, "delta_location": ""}))
            }
            "view_definitions" => {
                let name = name("name");
                self.views.insert(name.clone());
                Some(json!({"name": name, "transform": {"kind": "Sql", "query": ""}}))
            }
            "output_targets" => {
                let name = name("table_name");
                self.outputs.insert(name.clone());
                Some(json!({"table_name": name, "source_view": ""}))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::diag::SpecPath;
    use crate::spec::load;

    #[test]
    fn what_cannot_be_read_is_named_and_the_others_keep_their_places() {
        let text = "version: 4
input_relations: [5, {logical_name: a, delta_location: [x]}, {logical_name: b, delta_location: x}]
view_definitions:
  - {name: c, transform: {kind: Sqll}}
  - {name: [d], transform: {kind: Sql, query: SELECT 1}}
  - {name: e, transform: {kind: Sql, query: SELECT 1}, unknown: 1}
output_targets: [{table_name: f}, {table_name: g, source_view: e}, null]
";
        let loaded = load(text, "spec.yaml".into());
        let names = |names: &std::collections::BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>();
        assert_eq!(names(&loaded.unread.views), ["a", "c", "input_relations 0", "view_definitions 1"]);
        assert_eq!(names(&loaded.unread.outputs), ["f", "output_targets 2"]);
        let spec = loaded.spec.unwrap();
        assert_eq!(spec.input_relations[2].logical_name, "b");
        assert_eq!(spec.view_definitions[2].name, "e");
        assert_eq!(spec.output_targets[1].table_name, "g");
        // One finding for each mistake, and none for an entry that stands for another.
        assert_eq!(loaded.diagnostics.len(), 7, "{:#?}", loaded.diagnostics);
        let root = SpecPath::root();
        let known = root.field("view_definitions").index(2).field("unknown");
        assert!(loaded.diagnostics.iter().any(|found| found.location.as_ref() == Some(&known)));
    }

    #[test]
    fn a_spec_of_which_more_is_wrong_than_parts_is_not_read() {
        for text in [
            "version: 4\ninput_relations: {}\nview_definitions: []\noutput_targets: []",
            "version: 4\ninput_relations: []\nview_definitions: []",
            "version: 4\ninput_relations: []\nview_definitions: []\noutput_targets: []\nruntime: 5",
        ] {
            let loaded = load(text, "spec.yaml".into());
            assert!(loaded.spec.is_none() && loaded.unread.is_empty(), "{text}");
        }
    }
}
