//! The answers for the places of a file: what each name, member, import and call leads to.

use super::files::Module;
use super::globals;
use super::outline::{FileIndex, Index, Meaning, Occurrence, Outline, Space, Symbol, Term, Used, at};
use super::values::{Callee, Target, Val, Values};
use crate::linking::{Answer, Relation};

/// The answers for the places of a file.
pub(super) fn answers(values: &Values<'_>, file: FileIndex) -> Vec<Answer> {
    let Some(outline) = values.files.get(file) else { return Vec::new() };
    let mut answers = Answers { values, file, outline, found: Vec::new() };
    for occurrence in &outline.occurrences {
        answers.occurrence(occurrence);
    }
    answers.found
}

struct Answers<'v, 'n> {
    values: &'v Values<'n>,
    file: FileIndex,
    outline: &'n Outline,
    found: Vec<Answer>,
}

impl Answers<'_, '_> {
    fn occurrence(&mut self, place: &Occurrence) {
        match place.used {
            Used::Member { of, name, space } => self.member(place, of, name, space),
            Used::Free { name } => {
                let name = self.values.symbols.text(name);
                let method = if globals::is_global(&name) { "builtin" } else { "unbound" };
                self.add(place, Relation::RefersTo, Vec::new(), true, Some(name), method);
            }
            Used::Call { callee, name, is_new } => self.call(place, callee, name, is_new),
            Used::Import { module, name } => self.import(place, module, name),
            Used::Inherits { shape } => self.inherits(place, shape),
            Used::Signature { implementation } => {
                let target = at(&self.outline.defs, implementation).map(|def| def.node_id);
                self.add(place, Relation::RefersTo, target.into_iter().collect(), true, None, "lexical");
            }
        }
    }

    fn add(
        &mut self,
        place: &Occurrence,
        relation: Relation,
        targets: Vec<i64>,
        all: bool,
        external: Option<String>,
        method: &'static str,
    ) {
        let mut unique: Vec<i64> = Vec::with_capacity(targets.len());
        for target in targets {
            if !unique.contains(&target) {
                unique.push(target);
            }
        }
        let (node_id, span) = (place.node_id, place.span);
        self.found.push(Answer { node_id, span, relation, targets: unique, all, external, method });
    }

    /// The node of what is in the repository.
    fn node(&self, target: Target) -> Option<i64> {
        let node = match target {
            Target::Def(file, def) => self.values.def(file, def)?.node_id,
            Target::Module(file) => self.values.files.get(file)?.node_id,
            Target::Value(_, _, node) => node,
            Target::Outside(_) | Target::Builtin(_) => return None,
        };
        (node != 0).then_some(node)
    }

    /// The name of something outside, and how it is known.
    fn beyond(&self, targets: &[Target]) -> Option<(String, &'static str)> {
        targets.iter().find_map(|target| match target {
            Target::Outside(name) => Some((self.values.symbols.text(*name), "external_import")),
            Target::Builtin(name) => Some((self.values.symbols.text(*name), "builtin")),
            Target::Def(..) | Target::Module(_) | Target::Value(..) => None,
        })
    }

    fn member(&mut self, place: &Occurrence, of: Index, name: Symbol, space: Space) {
        let value = self.values.value(self.file, of);
        let found = self.values.member(&value, name, space);
        let targets: Vec<i64> = found.iter().filter_map(|&target| self.node(target)).collect();
        if targets.is_empty() {
            if let Some((name, method)) = self.beyond(&found) {
                self.add(place, Relation::RefersTo, targets, true, Some(name), method);
            }
            return;
        }
        // What is said to be one of several has the members of each.
        let method = self.way(of, &value);
        self.add(place, Relation::RefersTo, targets, true, None, method);
    }

    /// How the member of a value is found.
    fn way(&self, of: Index, value: &Val) -> &'static str {
        let term = at(&self.outline.terms, of);
        match (value, term) {
            (Val::Module(_), _) => "module_member",
            (Val::Object(_) | Val::Class(_), Some(Term::Object(_) | Term::Class(_) | Term::Base(..))) => {
                "self_method"
            }
            (Val::Class(_), _) => "type_member",
            _ => "receiver_type",
        }
    }

    /// How what a name means is found: in the file, through imports, or by what a variable holds.
    fn way_of_name(&self, targets: &[Target]) -> &'static str {
        let mut method = "lexical";
        for target in targets {
            match *target {
                Target::Def(file, def) if file == self.file => {
                    let meaning = self.values.def(file, def).map(|def| def.meaning);
                    if matches!(meaning, Some(Meaning::Value(_))) {
                        method = "receiver_type";
                    }
                }
                Target::Def(..)
                | Target::Module(_)
                | Target::Value(..)
                | Target::Outside(_)
                | Target::Builtin(_) => return "import",
            }
        }
        method
    }

    fn call(&mut self, place: &Occurrence, callee: Index, name: Option<Symbol>, is_new: bool) {
        let values = self.values;
        let term = at(&self.outline.terms, callee).copied();
        let value = values.value(self.file, callee);
        let (targets, method, open) = match term {
            Some(Term::Local(group, space)) => {
                let targets = values.group(self.file, group, space);
                let method = self.way_of_name(&targets);
                (targets, method, String::new())
            }
            Some(Term::Member(of, name, space)) => {
                let of_value = values.value(self.file, of);
                (values.member(&of_value, name, space), self.way(of, &of_value), "?.".to_owned())
            }
            Some(Term::Base(..)) => (Vec::new(), "self_method", "?.".to_owned()),
            Some(Term::Free(_)) => (Vec::new(), "unbound", String::new()),
            _ => (Vec::new(), "receiver_type", "?.".to_owned()),
        };
        let open = format!("{open}{}", name.map(|name| values.symbols.text(name)).unwrap_or_default());
        let found =
            if targets.is_empty() { values.callable(&value) } else { values.callee(&targets, Space::Value) };
        if is_new {
            self.instantiates(place, &value);
        }
        match found {
            Some(Callee::Nodes(nodes)) => {
                let several = nodes.len() > 1;
                self.add(place, Relation::Calls, nodes, false, several.then_some(open), method);
            }
            Some(Callee::Outside(name)) => {
                let name = values.symbols.text(name);
                self.add(place, Relation::Calls, Vec::new(), true, Some(name), "external_import");
            }
            Some(Callee::Builtin(name)) => {
                let name = values.symbols.text(name);
                self.add(place, Relation::Calls, Vec::new(), true, Some(name), "builtin");
            }
            None => {
                let method = if matches!(term, Some(Term::Free(_))) { "unbound" } else { "dynamic" };
                let open =
                    if method == "dynamic" && !open.starts_with("?.") { format!("?.{open}") } else { open };
                self.add(place, Relation::Calls, Vec::new(), true, Some(open), method);
            }
        }
    }

    fn instantiates(&mut self, place: &Occurrence, value: &Val) {
        let parts = match value {
            Val::And(parts) | Val::Or(parts) => parts.as_ref(),
            Val::Unknown
            | Val::Nothing
            | Val::Class(_)
            | Val::Object(_)
            | Val::Function(_)
            | Val::Module(_)
            | Val::Outside(_)
            | Val::Builtin(_)
            | Val::List(_)
            | Val::Promise(_) => std::slice::from_ref(value),
        };
        let classes = parts.iter().filter(|part| matches!(part, Val::Class(_)));
        let classes: Vec<i64> = classes.filter_map(|class| self.shape_node(class)).collect();
        if let [class] = *classes.as_slice() {
            self.add(place, Relation::Instantiates, vec![class], true, None, "import");
        }
    }

    /// The node of what has members.
    fn shape_node(&self, value: &Val) -> Option<i64> {
        let (Val::Class((file, shape)) | Val::Object((file, shape))) = *value else { return None };
        Some(at(&self.values.files.get(file)?.shapes, shape)?.node_id)
    }

    fn inherits(&mut self, place: &Occurrence, shape: Index) {
        let Some(shape) = at(&self.outline.shapes, shape) else { return };
        let mut targets = Vec::new();
        for &base in shape.bases.iter().chain(&shape.implements) {
            let base = self.values.value(self.file, base);
            let parts =
                if let Val::And(parts) = &base { parts.as_ref() } else { std::slice::from_ref(&base) };
            targets.extend(parts.iter().filter_map(|part| self.shape_node(part)));
        }
        self.add(place, Relation::Inherits, targets, true, None, "path");
    }

    fn import(&mut self, place: &Occurrence, module: Index, name: Option<Symbol>) {
        let values = self.values;
        let found = values.imported(self.file, module, name);
        let found = values.chosen(&found, Space::Either);
        let targets: Vec<i64> = found.iter().filter_map(|&target| self.node(target)).collect();
        let is_module = found.iter().all(|target| matches!(target, Target::Module(_)));
        let method = match (targets.is_empty(), is_module) {
            (true, _) => "external",
            (false, true) => "module",
            (false, false) => "member",
        };
        let written = match values.module(self.file, module) {
            Some(Module::Outside(outside)) => outside.clone(),
            _ => self.outline.specifiers.get(module as usize).cloned().unwrap_or_default(),
        };
        let external = match (self.beyond(&found), name) {
            (Some((name, _)), _) => name,
            (None, Some(name)) => format!("{written}.{}", values.symbols.text(name)),
            (None, None) => written,
        };
        let external = targets.is_empty().then_some(external);
        self.add(place, Relation::Imports, targets, true, external, method);
    }
}
