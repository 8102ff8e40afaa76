//! The outline of a file: its names, and the order in which the rest is found.

use std::collections::HashMap;

use super::super::super::syntax::{This, receivers};
use super::comments::Said;
use super::{Index, Meaning, Outline, Space, Symbol, Symbols, Term};
use crate::lexical::{BindingIndex, Emitter, Namespace, ScopeIndex};
use crate::tree::NodeIndex;

/// How many definitions of one name in one scope are looked at, besides the last.
pub(super) const MAX_GROUP: usize = 32;

/// A file whose outline is being made.
pub(super) struct Collector<'c, 's> {
    pub(super) read: &'c Emitter<'c, 's>,
    pub(super) symbols: &'c Symbols,
    pub(super) out: Outline,
    /// The group of each scope and name.
    pub(super) groups: HashMap<(ScopeIndex, Symbol), Index>,
    /// The use of a name at each node.
    pub(super) references: HashMap<NodeIndex, usize>,
    /// The binding of a name at each node.
    pub(super) bindings: HashMap<NodeIndex, BindingIndex>,
    /// What `this` is at each node.
    pub(super) this: Vec<This>,
    /// The shape at each node that has one.
    pub(super) shapes: HashMap<NodeIndex, Index>,
    /// The function at each node that is one.
    pub(super) functions: HashMap<NodeIndex, Index>,
    /// The term of each node; 0 of what has none.
    pub(super) terms: Vec<Index>,
    /// Where what a pattern takes apart comes from.
    pub(super) sources: HashMap<NodeIndex, Index>,
    /// What comments say of definitions and functions.
    pub(super) said: HashMap<NodeIndex, Said>,
    /// Names that comments give to types of other modules.
    pub(super) typedefs: HashMap<String, Index>,
    specifiers: HashMap<String, Index>,
}

/// The outline of a file that was read.
pub(in super::super) fn outline(read: &Emitter<'_, '_>, symbols: &Symbols) -> Outline {
    let mut collector = Collector::new(read, symbols);
    collector.groups();
    collector.shapes();
    collector.functions();
    collector.terms();
    collector.comments();
    collector.patterns();
    collector.results();
    collector.members();
    collector.meanings();
    collector.exports();
    collector.occurrences();
    collector.out
}

impl<'c, 's> Collector<'c, 's> {
    fn new(read: &'c Emitter<'c, 's>, symbols: &'c Symbols) -> Self {
        let facts = read.facts;
        let references =
            facts.references.iter().enumerate().map(|(index, used)| (used.node, index)).collect();
        let bindings =
            facts.bindings.iter().enumerate().map(|(index, bound)| (bound.name_node, index)).collect();
        let out = Outline {
            path: read.file.path.to_owned(),
            node_id: read.file_node_id,
            defs: Vec::with_capacity(facts.bindings.len()),
            groups: Vec::new(),
            terms: vec![Term::Unknown, Term::Nothing],
            lists: Vec::new(),
            functions: Vec::new(),
            shapes: Vec::new(),
            specifiers: Vec::new(),
            exports: HashMap::new(),
            stars: Vec::new(),
            assigned: None,
            occurrences: Vec::new(),
        };
        Self {
            read,
            symbols,
            out,
            groups: HashMap::new(),
            references,
            bindings,
            this: receivers(read.tree),
            shapes: HashMap::new(),
            functions: HashMap::new(),
            terms: vec![0; read.tree.nodes.len()],
            sources: HashMap::new(),
            said: HashMap::new(),
            typedefs: HashMap::new(),
            specifiers: HashMap::new(),
        }
    }

    pub(super) fn node_id(&self, node: NodeIndex) -> i64 {
        self.read.node_ids.get(node).copied().unwrap_or(self.read.file_node_id)
    }

    /// The name that a node is.
    pub(super) fn symbol(&self, node: NodeIndex) -> Symbol {
        self.symbols.intern(super::super::super::syntax::unquoted(self.read.tree.text(node)))
    }

    /// Adds a term.
    pub(super) fn add(&mut self, term: Term) -> Index {
        // The first two terms are there from the beginning.
        if let Some(known) = self.out.terms.iter().take(2).position(|known| *known == term) {
            return known as Index;
        }
        self.out.terms.push(term);
        self.out.terms.len() as Index - 1
    }

    /// The term of a node; 0 when it has none.
    pub(super) fn term(&self, node: NodeIndex) -> Index {
        self.terms.get(node).copied().unwrap_or(0)
    }

    /// The term of the child in a field.
    pub(super) fn field_term(&self, node: NodeIndex, field: &str) -> Option<Index> {
        self.read.tree.child_by_field(node, field).map(|child| self.term(child))
    }

    /// The first child that is no comment.
    pub(super) fn first_child(&self, node: NodeIndex) -> Option<NodeIndex> {
        let tree = self.read.tree;
        tree.named_children(node).find(|&child| tree.kind(child) != "comment")
    }

    pub(super) fn specifier(&mut self, text: &str) -> Index {
        if let Some(&known) = self.specifiers.get(text) {
            return known;
        }
        let next = self.out.specifiers.len() as Index;
        self.out.specifiers.push(text.to_owned());
        self.specifiers.insert(text.to_owned(), next);
        next
    }

    /// Definitions, and which of them a name in a scope means.
    fn groups(&mut self) {
        let facts = self.read.facts;
        let mut last: HashMap<Index, (Index, Space)> = HashMap::new();
        for (index, binding) in facts.bindings.iter().enumerate() {
            let name = self.symbols.intern(binding.text);
            self.out.defs.push(super::Def {
                kind: binding.kind,
                node_id: self.node_id(binding.node),
                meaning: Meaning::Unknown,
            });
            let space = match binding.namespace {
                Namespace::Value => Space::Value,
                Namespace::Type => Space::Type,
                Namespace::Any | Namespace::Macro => Space::Either,
                Namespace::Member => continue,
            };
            let next = self.out.groups.len() as Index;
            let group = *self.groups.entry((binding.scope, name)).or_insert(next);
            if group == next {
                self.out.groups.push(Vec::new());
            }
            if let Some(known) = self.out.groups.get_mut(group as usize) {
                if known.len() < MAX_GROUP {
                    known.push((index as Index, space));
                } else {
                    last.insert(group, (index as Index, space));
                }
            }
        }
        for (group, def) in last {
            if let Some(known) = self.out.groups.get_mut(group as usize) {
                known.push(def);
            }
        }
    }

    /// What a use of a name in the file means; none where the file does not bind it.
    pub(super) fn group_of(&self, node: NodeIndex) -> Option<Index> {
        let reference = *self.references.get(&node)?;
        let scope = self.read.facts.answers.get(reference).copied().flatten()?;
        let name = self.symbols.intern(self.read.facts.references.get(reference)?.text);
        self.groups.get(&(scope, name)).copied()
    }

    /// The group that a binding is in.
    pub(super) fn group_at(&self, binding: BindingIndex) -> Option<Index> {
        let bound = self.read.facts.bindings.get(binding)?;
        self.groups.get(&(bound.scope, self.symbols.intern(bound.text))).copied()
    }
}
