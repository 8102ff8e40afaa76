//! Types that JavaScript writes in comments: `@param {Type} name`, `@returns {Type}`, `@type {Type}`, and names that are
//! given to types of other modules by `@typedef {import("module").Type} Name` (JSDoc).

use std::collections::HashMap;

use super::super::super::syntax::unquoted;
use super::collect::Collector;
use super::{Index, Space, Term};
use crate::tree::NodeIndex;

/// Types in the comment before a definition.
#[derive(Default)]
pub(super) struct Said {
    pub(super) parameters: HashMap<String, Index>,
    pub(super) returns: Option<Index>,
    pub(super) own: Option<Index>,
}

impl Collector<'_, '_> {
    /// What comments say of definitions, by their nodes, and of the functions that these are named after.
    pub(super) fn comments(&mut self) {
        let tree = self.read.tree;
        for comment in tree.children(0).filter(|&child| tree.kind(child) == "comment") {
            for line in tree.text(comment).lines().filter(|line| line.contains("@typedef")) {
                self.typedef(line);
            }
        }
        for doc in &self.read.facts.docstrings {
            let Some(owner) = doc.owner.filter(|_| doc.text.contains("@") && doc.text.contains('{')) else {
                continue;
            };
            let said = self.said(&doc.text);
            let value = ["value", "right"].into_iter().find_map(|field| tree.child_by_field(owner, field));
            let function = value.filter(|value| self.functions.contains_key(value));
            self.said.insert(function.unwrap_or(owner), said);
        }
    }

    /// `@typedef {import("module").Type} Name`.
    fn typedef(&mut self, line: &str) {
        let Some((ty, name)) = line.split_once('{').and_then(|(_, rest)| rest.split_once('}')) else {
            return;
        };
        let Some(name) = name.split_whitespace().next() else { return };
        let import = ty.trim().strip_prefix("import(").and_then(|rest| rest.split_once(")."));
        let Some((module, exported)) = import else { return };
        let module = self.specifier(unquoted(module.trim()));
        let module = self.add(Term::Module(module));
        let exported = self.symbols.intern(exported.trim());
        let ty = self.add(Term::Member(module, exported, Space::Type));
        let class = self.add(Term::Member(module, exported, Space::Value));
        let term = self.object_of(ty, class);
        self.typedefs.insert(name.to_owned(), term);
    }

    /// What a type says, or an object of a class that is the value of a variable.
    fn object_of(&mut self, ty: Index, class: Index) -> Index {
        let object = self.add(Term::New(class));
        self.add(Term::Or(ty, object))
    }

    fn said(&mut self, text: &str) -> Said {
        let mut said = Said::default();
        for line in text.lines() {
            let mut words = line.trim().splitn(2, char::is_whitespace);
            let (Some(tag), Some(rest)) = (words.next(), words.next()) else { continue };
            let Some((ty, after)) = rest.trim_start().strip_prefix('{').and_then(|rest| rest.split_once('}'))
            else {
                continue;
            };
            let Some(term) = self.written_type(ty) else { continue };
            match tag {
                "@param" | "@arg" | "@argument" => {
                    let name = after.trim_start().trim_start_matches('[');
                    let end = name.find(|next: char| !(next.is_alphanumeric() || matches!(next, '_' | '$')));
                    let name = name.get(..end.unwrap_or(name.len())).unwrap_or_default();
                    said.parameters.entry(name.to_owned()).or_insert(term);
                }
                "@return" | "@returns" => said.returns = said.returns.or(Some(term)),
                "@type" => said.own = said.own.or(Some(term)),
                _ => {}
            }
        }
        said
    }

    /// A type that is a name, a list or a promise of one; none for others.
    fn written_type(&mut self, text: &str) -> Option<Index> {
        let text = text.trim().trim_start_matches(['?', '!']).trim_end_matches('=').trim_start_matches("...");
        let inside = |prefix: &str| text.strip_prefix(prefix).and_then(|rest| rest.strip_suffix('>'));
        if let Some(element) = text.strip_suffix("[]").or_else(|| inside("Array<")) {
            let element = self.named_type(element)?;
            return Some(self.add(Term::List(element)));
        }
        if let Some(inner) = inside("Promise<") {
            let inner = self.named_type(inner)?;
            return Some(self.add(Term::Promise(inner)));
        }
        let mut parts = text.split('|').map(str::trim).filter(|part| !matches!(*part, "null" | "undefined"));
        match (parts.next(), parts.next()) {
            (Some(one), None) => self.named_type(one),
            _ => None,
        }
    }

    fn named_type(&mut self, name: &str) -> Option<Index> {
        let name = name.trim();
        let is_name =
            !name.is_empty() && name.chars().all(|next| next.is_alphanumeric() || matches!(next, '_' | '$'));
        if !is_name {
            return None;
        }
        let class = match name {
            "string" => Some("String"),
            "number" => Some("Number"),
            "boolean" => Some("Boolean"),
            _ => None,
        };
        if let Some(class) = class {
            let class = self.symbols.intern(class);
            return Some(self.add(Term::Builtin(class)));
        }
        let symbol = self.symbols.intern(name);
        match (self.groups.get(&(0, symbol)), self.typedefs.get(name)) {
            (Some(&group), _) => {
                let ty = self.add(Term::Local(group, Space::Type));
                let class = self.add(Term::Local(group, Space::Value));
                Some(self.object_of(ty, class))
            }
            (None, Some(&term)) => Some(term),
            (None, None) => Some(self.add(Term::FreeType(symbol))),
        }
    }

    /// The type that a comment gives a parameter.
    pub(super) fn said_of_parameter(&self, parameter: NodeIndex) -> Option<Index> {
        let tree = self.read.tree;
        let function = tree.parent(tree.parent(parameter)?)?;
        let name = tree.child_by_field(parameter, "pattern")?;
        self.said.get(&function)?.parameters.get(tree.text(name)).copied()
    }
}
