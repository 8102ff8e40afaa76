//! Parts of a spec that cannot be read.
//!
//! An input, a view or an output with a misspelt kind or a value of a wrong type says what is wrong with it, and no more
//! than that: everything else of the spec is still read and checked. In the lists of the spec it leaves an entry that
//! stands for it, so that the others keep their places, and its place and name are remembered, so that nothing is said
//! about the entry and those who read it are not blamed. Other fields of the spec, which need not be there, are left out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use crate::diag::{Segment, SpecPath};

/// The parts of a spec that could not be read: their places in the lists of the spec, with their names where these could.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Of `input_relations`.
    pub inputs: BTreeMap<usize, Option<String>>,
    /// Of `view_definitions`.
    pub views: BTreeMap<usize, Option<String>>,
    /// Of `output_targets`.
    pub outputs: BTreeMap<usize, Option<String>>,
    /// Other fields of the spec, which are left out.
    pub fields: BTreeSet<String>,
}

impl Unread {
    /// Whether all was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty() && self.views.is_empty() && self.outputs.is_empty() && self.fields.is_empty()
    }

    /// Remembers a field that is not sound, if it can be left out: one of the spec itself, without which there is still one.
    pub(super) fn leaves_out(&mut self, place: &SpecPath, field: &str) -> bool {
        let is_needed = ["version", "input_relations", "view_definitions", "output_targets"].contains(&field);
        let leaves_out = place.is_root() && !is_needed;
        if leaves_out {
            self.fields.insert(field.to_owned());
        }
        leaves_out
    }

    /// Remembers the part at this place of the document, of which `read` is what could be read; gives the entry that
    /// stands for it. Nothing where no part begins.
    pub(super) fn entry(&mut self, place: &SpecPath, read: &Json) -> Option<Json> {
        let [Segment::Field(list), Segment::Index(index)] = place.segments() else { return None };
        let (parts, name_field, mut entry) = match list.as_str() {
            "input_relations" => (&mut self.inputs, "logical_name", json!({"delta_location": ""})),
            "view_definitions" => {
                (&mut self.views, "name", json!({"transform": {"kind": "Sql", "query": ""}}))
            }
            "output_targets" => (&mut self.outputs, "table_name", json!({"source_view": ""})),
            _ => return None,
        };
        let name = read.get(name_field).and_then(Json::as_str).map(str::to_owned);
        parts.insert(*index, name.clone());
        entry[name_field] = name.unwrap_or_else(|| format!("{list} {index}")).into();
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let names = |parts: &BTreeMap<usize, Option<String>>| format!("{parts:?}");
        assert_eq!(names(&loaded.unread.inputs), "{0: None, 1: Some(\"a\")}");
        assert_eq!(names(&loaded.unread.views), "{0: Some(\"c\"), 1: None}");
        assert_eq!(names(&loaded.unread.outputs), "{0: Some(\"f\"), 2: None}");
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
    fn other_fields_are_left_out() {
        let text = "version: 4
input_relations: []
view_definitions: [{name: v, transform: {kind: Sql, query: SELECT 1}}]
output_targets: [{table_name: t, source_view: v}]
runtime: 5
cache_policy: {overrides: [{view_name: v}]}
typed_parameters: [{value: {type: Utf8, value: a}}]
rule_intents: []
";
        let loaded = load(text, "spec.yaml".into());
        let left_out: Vec<&str> = loaded.unread.fields.iter().map(String::as_str).collect();
        assert_eq!(left_out, ["cache_policy", "runtime", "typed_parameters"]);
        assert!(
            loaded.spec.is_some_and(|spec| spec.typed_parameters.is_empty() && spec.cache_policy.is_none())
        );
        assert_eq!(loaded.diagnostics.len(), 3, "{:#?}", loaded.diagnostics);
    }

    #[test]
    fn a_spec_of_which_more_is_wrong_than_parts_is_not_read() {
        for text in [
            "version: 4\ninput_relations: {}\nview_definitions: []\noutput_targets: []",
            "version: 4\ninput_relations: []\nview_definitions: []",
            "version: four\ninput_relations: []\nview_definitions: []\noutput_targets: []",
        ] {
            let loaded = load(text, "spec.yaml".into());
            assert!(loaded.spec.is_none() && loaded.unread.is_empty(), "{text}");
        }
    }
}
