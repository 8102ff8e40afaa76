//! The entries of `knobs.yaml`, and the specs that are made of them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::tables::TABLES;
use crate::harness::root;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Registry {
    /// Specs that knobs are tried on, by name.
    bases: BTreeMap<String, Base>,
    pub(super) knobs: Vec<Entry>,
}

/// Views and outputs. The inputs are the tables that the queries name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Base {
    /// Queries by the names of their views.
    views: BTreeMap<String, String>,
    outputs: Vec<String>,
    /// More of the spec.
    #[serde(default)]
    spec: Map<String, Value>,
}

/// A knob, a value that is not its own, and how that shows. One of `field`, `setting` and `policy` is given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// A field of `runtime_profile`.
    pub(super) field: Option<String>,
    /// A key of `session.config`.
    pub(super) setting: Option<String>,
    /// A field of `cache_policy`.
    pub(super) policy: Option<String>,
    pub(super) value: Value,
    base: String,
    /// What the spec says more, with the knob and without.
    #[serde(default)]
    both: Map<String, Value>,
    pub(super) evidence: Evidence,
}

/// What is another thing with the knob.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(super) enum Evidence {
    /// The text of the physical plans.
    Plan(Texts),
    /// The text of the optimized logical plans.
    Optimized(Texts),
    /// A number of the run.
    Counter(Counter),
    /// The run, which ends with an error that holds this text.
    Refused(String),
    /// The run, which ends with an error that holds this text unless the knob is turned.
    Accepted(String),
    /// The value that the running session has for this key of DataFusion.
    Setting(String),
}

/// Texts that only one of two plans has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Texts {
    /// With the knob.
    pub(super) contains: Option<String>,
    /// Without it.
    pub(super) lacks: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counter {
    /// Its name, see [`super::counters`].
    pub(super) name: String,
    pub(super) is: Direction,
}

/// How a number with the knob compares to that without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Direction {
    More,
    Less,
}

impl Registry {
    pub(super) fn read() -> Self {
        let path = root().join("tests/knobs/knobs.yaml");
        let text = std::fs::read_to_string(path).expect("the registry is read");
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("knobs.yaml: {error}"))
    }

    /// The text of the spec of an entry, with its knob or without. Tables lie in `tables`.
    pub(super) fn spec(&self, entry: &Entry, with_knob: bool, tables: &Path) -> String {
        let base = self.bases.get(&entry.base).unwrap_or_else(|| panic!("no base is called {}", entry.base));
        let is_read =
            |table: &&&str| base.views.values().any(|query| words(query).any(|word| word == **table));
        let inputs = TABLES.iter().filter(is_read);
        let inputs = inputs.map(|name| json!({"logical_name": name, "delta_location": tables.join(name)}));
        let view = |(name, query): (&String, &String)| json!({"name": name, "transform": {"kind": "Sql", "query": query}});
        let output = |view: &String| json!({"table_name": format!("{view}_out"), "source_view": view});
        let mut spec = json!({
            "version": ir::spec::SPEC_VERSION,
            "input_relations": inputs.collect::<Value>(),
            "view_definitions": base.views.iter().map(view).collect::<Value>(),
            "output_targets": base.outputs.iter().map(output).collect::<Value>(),
        });
        merge(&mut spec, &Value::Object(base.spec.clone()));
        merge(&mut spec, &Value::Object(entry.both.clone()));
        if with_knob {
            merge(&mut spec, &entry.turned());
        }
        format!("{spec:#}")
    }
}

impl Entry {
    /// What it is called: a field of `runtime_profile` by its name, everything else by its path or its key.
    pub(super) fn name(&self) -> String {
        match (&self.field, &self.setting, &self.policy) {
            (Some(name), None, None) | (None, Some(name), None) => name.clone(),
            (None, None, Some(name)) => format!("cache_policy.{name}"),
            _ => panic!("an entry of knobs.yaml turns one knob; this one has the value {}", self.value),
        }
    }

    /// The part of the spec that turns it.
    fn turned(&self) -> Value {
        let (name, value) = (self.name(), &self.value);
        match (&self.field, &self.setting, &self.policy) {
            (Some(_), ..) => json!({"runtime_profile": {name: value}}),
            (_, Some(_), _) => json!({"session": {"config": {name: value}}}),
            (.., policy) => json!({"cache_policy": {policy.clone().unwrap_or_default(): value}}),
        }
    }
}

impl Evidence {
    /// In words.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Plan(_) => "plan".to_owned(),
            Self::Optimized(_) => "optimized plan".to_owned(),
            Self::Counter(counter) => format!("counter {}", counter.name),
            Self::Refused(_) => "refused".to_owned(),
            Self::Accepted(_) => "accepted".to_owned(),
            Self::Setting(_) => "setting".to_owned(),
        }
    }

    /// Whether that is seen in what the engine does, and not only in what it was told.
    pub(super) fn is_observed(&self) -> bool {
        !matches!(self, Self::Setting(_))
    }
}

/// Puts the fields of a map into those of another one, maps into maps.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn words(query: &str) -> impl Iterator<Item = &str> {
    query.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}
