//! Where in a spec a graph comes from.
//!
//! Lowering is the only pass that sees the spec. What a later pass finds wrong must still be shown where it was written, so
//! lowering records beside the graph where each definition stands and where the parts of it stand that a pass may find
//! something wrong with: an input, an expression, a pair of keys, a column of a sort order. The graph itself does not know:
//! two graphs that compute the same are equal, wherever they were written.
//!
//! Places are kept by [`Owner`] and not by node, because passes add, rename and remove nodes, and what a node is part of
//! stays. A field that was not recorded has the place of the next larger one that was ([`SpecField::around`]): columns that are
//! left out in the spec are found at the transform. A graph that was read from text has no origins, and all its places are
//! the root.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::diag::{Diagnostic, SpecPath};
use crate::graph::Owner;
use crate::op::{ExprField, Side};

/// A part of a definition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpecField {
    /// All of it.
    Definition,
    /// The name of a view.
    Name,
    /// The transform of a view.
    Transform,
    /// What says most about the operation as a whole: a query, the column that is unnested, else the transform.
    Operation,
    /// The names of the inputs, where they are one list.
    Sources,
    /// What names the input of this port.
    Source(usize),
    /// The predicate of a filter.
    Predicate,
    /// The list of output columns.
    Columns,
    /// The n-th output column of a projection or window: its expression if it is written.
    Column(usize),
    /// The entry of an output's columns that gives the column of this name.
    Written(String),
    /// The n-th grouping column: its expression if it is written.
    GroupBy(usize),
    /// The n-th measure of an aggregation.
    Measure(usize),
    /// The n-th pair of columns that a join compares.
    Key(usize),
    /// The n-th column, of two, of the span of one side of a join.
    SpanBound(Side, usize),
    /// The output columns of a join.
    Select,
    /// The n-th entry of the output columns of a join.
    Selected(usize),
    /// The columns that identify a row.
    Ids,
    /// The n-th column that identifies a row.
    Id(usize),
    /// The columns with the span of a row.
    Spans,
    /// The n-th column, of two, with the span of a row.
    Span(usize),
    /// The columns with texts to normalise.
    Texts,
    /// The n-th column with texts to normalise.
    Text(usize),
    /// The name of the column that says from which source a row comes.
    Discriminator,
    /// What the spec promises of the column of this name.
    Promise(String),
    /// The location of a table; its name, if that is the location.
    Location,
    /// The options by which files are read.
    Options,
    /// The version of a table.
    Version,
    /// The columns by which an output is partitioned.
    Partitioning,
    /// The n-th of them.
    PartitionColumn(usize),
    /// The columns by which an output is sorted.
    Order,
    /// The n-th of them.
    OrderColumn(usize),
    /// How an output changes the columns of its table.
    SchemaMode,
    /// How often an output is committed again.
    CommitRetries,
    /// The value of this key in the metadata of an output's commits.
    Metadata(String),
}

impl SpecField {
    /// The next larger part of the definition; nothing for all of it.
    #[must_use]
    pub fn around(&self) -> Option<Self> {
        Some(match self {
            Self::Definition => return None,
            Self::Name
            | Self::Transform
            | Self::Promise(_)
            | Self::Location
            | Self::Options
            | Self::Version
            | Self::Partitioning
            | Self::Order
            | Self::SchemaMode
            | Self::CommitRetries
            | Self::Metadata(_) => Self::Definition,
            Self::PartitionColumn(_) => Self::Partitioning,
            Self::OrderColumn(_) => Self::Order,
            // Columns that are not written are those of the view; what is wrong with them is wrong with the table.
            Self::Written(_) => Self::Location,
            Self::Source(_) => Self::Sources,
            Self::Column(_) => Self::Columns,
            Self::Selected(_) => Self::Select,
            Self::Id(_) => Self::Ids,
            Self::Span(_) => Self::Spans,
            Self::Text(_) => Self::Texts,
            Self::Operation
            | Self::Sources
            | Self::Predicate
            | Self::Columns
            | Self::GroupBy(_)
            | Self::Measure(_)
            | Self::Key(_)
            | Self::SpanBound(..)
            | Self::Select
            | Self::Ids
            | Self::Spans
            | Self::Texts
            | Self::Discriminator => Self::Transform,
        })
    }
}

/// The field an expression of an operation was written in.
impl From<ExprField<'_>> for SpecField {
    fn from(field: ExprField<'_>) -> Self {
        match field {
            ExprField::Predicate => Self::Predicate,
            ExprField::Column(index, _) => Self::Column(index),
            ExprField::GroupBy(index, _) => Self::GroupBy(index),
            ExprField::Measure(index, _) => Self::Measure(index),
        }
    }
}

/// A place in a spec, with the SQL that stands there if it is one text of SQL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The way to the value.
    pub path: SpecPath,
    /// The SQL.
    pub sql: Option<Arc<str>>,
}

impl Place {
    /// A place with SQL.
    #[must_use]
    pub fn of_sql(path: SpecPath, sql: &str) -> Self {
        Self { path, sql: Some(sql.into()) }
    }

    /// The diagnostic at this place; at some bytes of its SQL if they are known.
    #[must_use]
    pub fn mark(self, diagnostic: Diagnostic, bytes: Option<Range<usize>>) -> Diagnostic {
        let marked = diagnostic.at(self.path);
        match self.sql.zip(bytes) {
            Some((sql, bytes)) => marked.at_part(&sql, bytes),
            None => marked,
        }
    }
}

impl From<SpecPath> for Place {
    fn from(path: SpecPath) -> Self {
        Self { path, sql: None }
    }
}

/// Where the parts of one definition stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition(BTreeMap<SpecField, Place>);

impl Definition {
    /// A definition that stands at `place`, of which no part is known yet.
    #[must_use]
    pub fn at(place: SpecPath) -> Self {
        Self(BTreeMap::from([(SpecField::Definition, place.into())]))
    }

    /// Records where a part stands.
    pub fn record(&mut self, field: SpecField, place: impl Into<Place>) {
        self.0.insert(field, place.into());
    }

    /// Records where a list and its items stand; nothing where it is empty.
    pub fn record_list(
        &mut self,
        list: SpecField,
        place: SpecPath,
        length: usize,
        item: fn(usize) -> SpecField,
    ) {
        if length == 0 {
            return;
        }
        for index in 0..length {
            self.record(item(index), place.index(index));
        }
        self.record(list, place);
    }

    /// The place of a part, or of the next larger one that was recorded.
    fn place(&self, field: SpecField) -> Option<&Place> {
        let mut field = Some(field);
        while let Some(wanted) = field {
            if let Some(place) = self.0.get(&wanted) {
                return Some(place);
            }
            field = wanted.around();
        }
        None
    }
}

/// Where a graph comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    definitions: BTreeMap<Owner, Definition>,
    /// The parameters, in the order of the graph.
    parameters: Vec<SpecPath>,
    /// By the name of the node that they hold for: the views that have cache overrides, with the places of these. Passes
    /// let an override hold for another node that takes the place of the view.
    cache_overrides: BTreeMap<String, Vec<(String, SpecPath)>>,
    cache_policy: Option<SpecPath>,
}

impl Origins {
    /// Records a definition that has become nodes.
    pub fn record(&mut self, owner: Owner, definition: Definition) {
        self.definitions.insert(owner, definition);
    }

    /// Records the next of the graph's parameters.
    pub fn record_parameter(&mut self, place: SpecPath) {
        self.parameters.push(place);
    }

    /// Records the cache policy.
    pub fn record_cache_policy(&mut self, place: SpecPath) {
        self.cache_policy = Some(place);
    }

    /// Records the cache override of a view.
    pub fn record_cache_override(&mut self, view: &str, place: SpecPath) {
        self.cache_overrides.insert(view.to_owned(), vec![(view.to_owned(), place)]);
    }

    /// Lets the cache overrides of one node hold for another one, beside those it has itself.
    pub fn carry_cache_overrides(&mut self, from: &str, to: &str, has_own: bool) {
        let mut overrides = if has_own { self.take_cache_overrides(to) } else { Vec::new() };
        overrides.extend(self.take_cache_overrides(from));
        self.cache_overrides.insert(to.to_owned(), overrides);
    }

    /// The views with cache overrides that hold for a node, with the places of these. They hold no longer.
    pub fn take_cache_overrides(&mut self, node: &str) -> Vec<(String, SpecPath)> {
        let recorded = self.cache_overrides.remove(node);
        recorded.unwrap_or_else(|| vec![(node.to_owned(), SpecPath::root())])
    }

    /// The place of a part of a definition, or of the next larger one that is known; the root of the spec where none is.
    #[must_use]
    pub fn place(&self, owner: &Owner, field: SpecField) -> Place {
        self.definitions.get(owner).and_then(|found| found.place(field)).cloned().unwrap_or_default()
    }

    /// The place of what the graph's n-th parameter is for.
    #[must_use]
    pub fn target(&self, index: usize) -> SpecPath {
        self.parameters.get(index).map_or_else(SpecPath::root, |place| place.field("target"))
    }

    /// The place of a field of what the graph's n-th parameter is for.
    #[must_use]
    pub fn target_field(&self, index: usize, field: &str) -> SpecPath {
        let target = self.target(index);
        if target.is_root() { target } else { target.field(field) }
    }

    /// The place of a field of the cache policy.
    #[must_use]
    pub fn cache_policy(&self, field: &str) -> SpecPath {
        self.cache_policy.as_ref().map_or_else(SpecPath::root, |place| place.field(field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_recorded_is_at_the_next_larger_part() {
        let view = SpecPath::root().field("view_definitions").index(2);
        let mut definition = Definition::at(view.clone());
        definition.record(SpecField::Transform, view.field("transform"));
        definition.record(SpecField::Column(1), Place::of_sql(view.field("expr"), "a + b"));
        let mut origins = Origins::default();
        let owner = Owner::View("v".to_owned());
        origins.record(owner.clone(), definition);
        let place = |field| origins.place(&owner, field);
        assert_eq!(place(SpecField::Column(1)), Place::of_sql(view.field("expr"), "a + b"));
        assert_eq!(place(SpecField::Column(0)).path, view.field("transform"));
        assert_eq!(place(SpecField::Source(7)).path, view.field("transform"));
        assert_eq!(place(SpecField::OrderColumn(1)).path, view);
        assert!(origins.place(&Owner::Output("v".to_owned()), SpecField::Name).path.is_root());
        assert!(origins.target_field(0, "position").is_root());
    }
}
