//! The answers for the places of a file: what each name, path, member, import and call leads to.

use std::collections::HashSet;

use super::names::{Def, Trail};
use super::outline::{Entry, Expr, Head, Index, Item, Outline, Owner, SPACES, Space, Symbol, Use, Used, at};
use super::prelude;
use super::tree::FileIndex;
use super::types::{Members, Place, Ty};
use super::unique;
use crate::lexical::BindingKind;
use crate::linking::{Answer, Relation};
use crate::tree::Span;

/// For how many of the modules that a file is its places are resolved.
const MAX_MODULES: usize = 8;

/// Answers for one file.
pub(super) struct Answers<'n> {
    members: &'n Members<'n>,
    pub(super) found: Vec<Answer>,
}

/// The answers for the places of a file, in all modules it is.
pub(super) fn answers(members: &Members<'_>, file: FileIndex) -> Vec<Answer> {
    let names = members.names;
    let modules = names.tree.instances.get(file).and_then(|own| own.first());
    let mut merged: Option<Vec<Answer>> = None;
    for &base in modules.into_iter().flatten().take(MAX_MODULES) {
        let Some(outline) = names.files.get(file) else { continue };
        let mut answers = Answers { members, found: Vec::new() };
        answers.file(Place { file, outline, base });
        merged = Some(match merged {
            None => answers.found,
            Some(before) => {
                before.into_iter().zip(answers.found).map(|(left, right)| left.or(right)).collect()
            }
        });
    }
    let mut merged = merged.unwrap_or_default();
    // A name can be part of two paths, of which one is the other's argument: the first says what it is.
    let mut known = HashSet::new();
    merged.retain(|answer| known.insert((answer.node_id, answer.relation)));
    merged
}

impl Answer {
    /// What the place leads to when the file is two modules.
    fn or(mut self, other: Self) -> Self {
        if self.targets.is_empty() {
            return other;
        }
        for target in other.targets {
            if !self.targets.contains(&target) {
                self.targets.push(target);
                self.all = false;
            }
        }
        self
    }
}

impl<'n> Answers<'n> {
    fn file(&mut self, place: Place<'n>) {
        let types = self.members.exprs(place);
        for occurrence in &place.outline.occurrences {
            let (node_id, span) = (occurrence.node_id, occurrence.span);
            match &occurrence.used {
                Used::Path { path, spaces, segments, must_answer } => {
                    self.path_use(place, *path, spaces, segments, *must_answer);
                }
                Used::Member { of, name } => {
                    let found = at(&types, *of).map(|of| self.members.field(of, *name).0).unwrap_or_default();
                    self.add(node_id, span, Relation::RefersTo, found, None, "receiver_type");
                }
                Used::NamedField { path, name } => {
                    let found = self.members.named_field(place, *path, *name);
                    self.add(node_id, span, Relation::RefersTo, found, None, "type_member");
                }
                Used::CallPath { path, text, is_macro } => {
                    self.call_path(place, (node_id, span), *path, *text, *is_macro);
                }
                Used::CallMember { of, name, container } => {
                    self.call_member(place, (node_id, span), &types, *of, (*name, *container));
                }
                Used::CallUnknown { name } => {
                    let name = name.map(|name| self.text(name)).unwrap_or_default();
                    self.add(
                        node_id,
                        span,
                        Relation::Calls,
                        Vec::new(),
                        Some(format!("?.{name}")),
                        "dynamic",
                    );
                }
            }
        }
        for used in &place.outline.uses {
            self.import(place, used);
        }
    }

    fn text(&self, symbol: Symbol) -> String {
        self.members.names.symbols.text(symbol)
    }

    /// The node of what is defined in the repository.
    fn target(&self, def: Def) -> Option<i64> {
        let names = self.members.names;
        let node_id = match def {
            Def::Item(file, item) => names.item(file, item)?.node_id,
            Def::Module(module) => {
                let own = names.tree.modules.get(names.tree.proper(module))?;
                let outline: &Outline = names.files.get(own.file)?;
                match at(&outline.containers, own.container)?.item {
                    Some(item) => at(&outline.items, item)?.node_id,
                    None => outline.node_id,
                }
            }
            Def::Outside(_) => return None,
        };
        (node_id != 0).then_some(node_id)
    }

    fn add(
        &mut self,
        node_id: i64,
        span: Span,
        relation: Relation,
        found: Vec<Def>,
        external: Option<String>,
        method: &'static str,
    ) {
        let mut targets: Vec<i64> = Vec::with_capacity(found.len());
        for target in found.into_iter().filter_map(|def| self.target(def)) {
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        self.found.push(Answer { node_id, span, relation, targets, all: false, external, method });
    }

    /// What a path names in the first of the namespaces in which it names something of the repository; else something outside.
    fn resolve(&self, place: Place<'n>, path: Index, spaces: &[Space]) -> Vec<Vec<Def>> {
        let mut first: Option<Vec<Vec<Def>>> = None;
        for &space in spaces {
            let found = self.members.path(place, path, space);
            let last = found.last().map(Vec::as_slice).unwrap_or_default();
            if last.iter().any(|def| !matches!(def, Def::Outside(_))) {
                return found;
            }
            if first.as_ref().is_none_or(|first| first.last().is_none_or(Vec::is_empty)) {
                first = Some(found);
            }
        }
        first.unwrap_or_default()
    }

    fn path_use(
        &mut self,
        place: Place<'n>,
        path: Index,
        spaces: &[Space],
        segments: &[Option<(i64, Span)>],
        must_answer: bool,
    ) {
        let found = self.resolve(place, path, spaces);
        let head = at(&place.outline.paths, path).map(|path| (path.head, path.segments.first().copied()));
        // The names of a path and their nodes end together.
        let skipped = found.len().saturating_sub(segments.len());
        for (position, segment) in segments.iter().enumerate() {
            let &Some((node_id, span)) = segment else { continue };
            let own = found.get(position + skipped).cloned().unwrap_or_default();
            let name = head.and_then(|(_, name)| name).filter(|_| position == 0 && must_answer);
            let method = match head {
                Some((Head::Entry(Entry::Use(_)), _)) if position == 0 => "import",
                _ if position == 0 => "star_import",
                _ => "path",
            };
            let method = match own.first() {
                None => "unbound",
                Some(&Def::Outside(path)) if own.iter().all(|def| matches!(def, Def::Outside(_))) => {
                    if self.is_prelude(path) { "builtin" } else { "external_import" }
                }
                Some(_) => method,
            };
            let external = name.map(|name| self.text(name));
            self.add(node_id, span, Relation::RefersTo, own, external, method);
        }
    }

    fn call_path(
        &mut self,
        place: Place<'n>,
        (node_id, span): (i64, Span),
        path: Index,
        text: Symbol,
        is_macro: bool,
    ) {
        let spaces: &[Space] = if is_macro { &[Space::Macro] } else { &[Space::Value] };
        let mut found = self.resolve(place, path, spaces).pop().unwrap_or_default();
        if let Some(read) = at(&place.outline.paths, path) {
            let module = place.base + read.container as usize;
            found = match read.segments.as_slice() {
                &[name] if is_macro => self.textual(module, name, span, found),
                _ => self.members.of_known_traits(found, module),
            };
        }
        let head = at(&place.outline.paths, path).map(|path| (path.head, path.segments.len()));
        let callable: Vec<Def> =
            found.iter().copied().filter(|&def| self.is_callable(def, is_macro)).collect();
        let method = match (head, callable.first().and_then(|&def| self.owner(def))) {
            (Some((Head::Entry(Entry::Item(_)), 1)), _) => "lexical",
            (Some((Head::Entry(Entry::Use(_)), 1)), _) => "import",
            (Some((Head::Free, 1)), _) => "star_import",
            (_, Some(_)) => "type_member",
            _ => "module_member",
        };
        if !callable.is_empty() {
            let open = Some(self.text(text));
            return self.add(node_id, span, Relation::Calls, callable, open, method);
        }
        let (external, method) = self.outside(&found, head, text);
        self.add(node_id, span, Relation::Calls, Vec::new(), Some(external), method);
    }

    /// The macro that a name means by the order of the text; what else was found when there is none.
    fn textual(&self, module: usize, name: Symbol, span: Span, found: Vec<Def>) -> Vec<Def> {
        let textual = self.members.names.textual_macro(module, name, span.start);
        if textual.is_empty() { found } else { textual }
    }

    /// The name of something outside, and how it is known.
    fn outside(&self, found: &[Def], head: Option<(Head, usize)>, text: Symbol) -> (String, &'static str) {
        let [Def::Outside(path)] = *found else { return (self.text(text), "dynamic") };
        let is_known = head.is_some_and(|(head, _)| head == Head::Free) && self.is_prelude(path);
        (self.text(path), if is_known { "builtin" } else { "external_import" })
    }

    /// Whether the path of something outside begins with a name that every module has.
    fn is_prelude(&self, path: Symbol) -> bool {
        let path = self.text(path);
        let first = path.split("::").next().unwrap_or_default();
        [Space::Type, Space::Value, Space::Macro].iter().any(|&space| prelude::has(first, space))
    }

    fn owner(&self, def: Def) -> Option<Owner> {
        match def {
            Def::Item(file, item) => self.members.names.item(file, item)?.owner,
            Def::Module(_) | Def::Outside(_) => None,
        }
    }

    fn is_callable(&self, def: Def, is_macro: bool) -> bool {
        match self.members.kind_of(def) {
            Some(BindingKind::Macro) => is_macro,
            Some(
                BindingKind::Function | BindingKind::Method | BindingKind::Struct | BindingKind::Variant,
            ) => {
                let is_own = |item: &Item| item.attributes.is_macro.is_some();
                !is_macro
                    || matches!(def, Def::Item(file, item) if self.members.names.item(file, item).is_some_and(is_own))
            }
            _ => false,
        }
    }

    fn call_member(
        &mut self,
        place: Place<'n>,
        (node_id, span): (i64, Span),
        types: &[Ty],
        of: Index,
        (name, container): (Symbol, Index),
    ) {
        let is_own = matches!(at(&place.outline.exprs, of), Some(Expr::Receiver(_)));
        let of = at(types, of).unwrap_or(&Ty::Unknown);
        let found = self.members.known_method(of, name, place.base + container as usize);
        let method = if is_own { "self_method" } else { "receiver_type" };
        match found.as_slice() {
            [Def::Outside(path)] => {
                let external = self.text(*path);
                self.add(node_id, span, Relation::Calls, Vec::new(), Some(external), "external_import");
            }
            [] => {
                let external = format!("?.{}", self.text(name));
                self.add(node_id, span, Relation::Calls, Vec::new(), Some(external), "dynamic");
            }
            _ if found.iter().any(|def| matches!(def, Def::Outside(_))) => {
                let external = format!("?.{}", self.text(name));
                self.add(node_id, span, Relation::Calls, Vec::new(), Some(external), "dynamic");
            }
            _ => {
                let open = format!("?.{}", self.text(name));
                self.add(node_id, span, Relation::Calls, found, Some(open), method);
            }
        }
    }

    fn import(&mut self, place: Place<'n>, used: &Use) {
        let names = self.members.names;
        let module = place.base + used.container as usize;
        let mut kinds = HashSet::new();
        let mut found = Vec::new();
        let mut all = true;
        if let Some(item) = used.module {
            let children = names.tree.modules.get(module).and_then(|own| own.children.get(&item));
            found.extend(children.into_iter().flatten().map(|&child| Def::Module(child)));
            all = found.len() == 1;
        } else {
            let spaces: &[Space] = if used.is_glob || used.is_crate { &[Space::Type] } else { &SPACES };
            for &space in spaces {
                let mut own = names.import(module, used, space, &mut Trail::new());
                own.retain(|def| !matches!(def, Def::Outside(_)));
                all &= own.len() <= 1;
                found.extend(own);
            }
        }
        let found = unique(found);
        kinds.extend(found.iter().map(|def| matches!(def, Def::Module(_))));
        let method = match (found.is_empty(), kinds.contains(&false)) {
            (true, _) => "external",
            (_, true) => "member",
            (_, false) => "module",
        };
        let path: Vec<String> =
            used.path.iter().map(|&name| self.text(name)).filter(|name| !name.is_empty()).collect();
        self.add(used.node_id, used.span, Relation::Imports, found, Some(path.join("::")), method);
        if let Some(answer) = self.found.last_mut() {
            answer.all = all;
        }
    }
}
