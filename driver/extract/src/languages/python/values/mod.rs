//! What names hold, as far as the syntax tells: what is assigned to them, their annotations, what functions return, what
//! classes derive from, and the first parameters of methods.
//!
//! A value is told by the way to it, from a name by attributes and calls (see [`ValuePath`]). Nothing is looked up here.

mod annotations;
mod contents;
mod functions;
mod path;

use super::rules::{Analysis, Context};
use super::statements::inner;
use super::text::is_extra;
use crate::lexical::{BoundValue, ScopeIndex, ScopeKind, ValueKind, ValuePath};
use crate::tree::{NodeIndex, SyntaxTree};
use annotations::{MAX_CLASSES, annotated};
use contents::{contents, element, pairs, parts, second_element};
use path::alternatives;
pub(super) use path::path;

impl<'s> Analysis<'_, 's, '_> {
    /// Notes how the attribute that was referred to last is reached.
    pub(in crate::languages::python) fn reached_by(&mut self, attribute: NodeIndex) {
        let way = path(self.tree, attribute);
        if let Some(reference) = self.facts.references.last_mut() {
            reference.path = way;
        }
    }

    /// Notes the class whose bases the `super` that was referred to last stands for: the one around it, if that is the one
    /// it names.
    pub(in crate::languages::python) fn super_class(&mut self, name: NodeIndex, scope: ScopeIndex) {
        let tree = self.tree;
        let call = tree.parent(name).filter(|&it| tree.kind(it) == "call");
        let list = call.and_then(|call| tree.child_by_field(call, "arguments"));
        let named = list.and_then(|list| tree.named_children(list).find(|&it| !is_extra(tree.kind(it))));
        let last = named.map(|named| tree.text(named)).and_then(|named| named.rsplit('.').next());
        let class = self.class_around(scope).and_then(|class| self.facts.scopes.get(class));
        let class =
            class.filter(|class| last.is_none_or(|last| class.name == Some(last))).map(|class| class.node);
        if let Some(reference) = self.facts.references.last_mut() {
            reference.class = class;
        }
    }

    /// Notes the class that the `__class__` that was referred to last is.
    pub(in crate::languages::python) fn own_class(&mut self, scope: ScopeIndex) {
        let class = self.class_around(scope).and_then(|class| self.facts.scopes.get(class));
        let class = class.map(|class| class.node);
        if let Some(reference) = self.facts.references.last_mut() {
            reference.class = class;
        }
    }

    fn class_around(&self, scope: ScopeIndex) -> Option<ScopeIndex> {
        let mut current = Some(scope);
        while let Some(index) = current {
            let found = self.facts.scopes.get(index)?;
            if found.kind == ScopeKind::Class {
                return Some(index);
            }
            current = found.parent;
        }
        None
    }

    fn hold(
        &mut self,
        name_node: NodeIndex,
        kind: ValueKind,
        path: Option<ValuePath>,
        class: Option<NodeIndex>,
    ) {
        self.facts.values.push(BoundValue { name_node, kind, path, class, position: 0 });
    }

    fn hold_expression(&mut self, name: NodeIndex, kind: ValueKind, expression: NodeIndex) {
        for alternative in alternatives(self.tree, expression) {
            if let Some(path) = path(self.tree, alternative) {
                self.hold(name, kind, Some(path), None);
            } else if matches!(kind, ValueKind::Assigned | ValueKind::Default) {
                for (kind, path) in contents(self.tree, alternative) {
                    self.hold(name, kind, Some(path), None);
                }
            }
        }
    }

    /// Notes what an annotation says about a name; whether it says anything.
    fn hold_annotation(&mut self, name: NodeIndex, annotation: NodeIndex, context: Context) -> bool {
        let found = annotated(self, annotation, context);
        let says = !found.is_empty();
        for (kind, path) in found {
            self.hold(name, kind, Some(path), None);
        }
        says
    }

    /// `name := value`.
    pub(in crate::languages::python) fn assigned(&mut self, index: NodeIndex, name: &str, value: &str) {
        let (name, value) = (self.tree.child_by_field(index, name), self.tree.child_by_field(index, value));
        if let (Some(name), Some(value)) = (name, value) {
            self.hold_expression(name, ValueKind::Assigned, value);
        }
    }

    /// `type name = value`.
    pub(in crate::languages::python) fn assigned_alias(&mut self, index: NodeIndex, name: NodeIndex) {
        if let Some(value) = self.tree.child_by_field(index, "right") {
            self.hold_expression(name, ValueKind::Assigned, inner(self.tree, value));
        }
    }

    /// `target: annotation = value`, and what a module exports.
    pub(in crate::languages::python) fn assignment(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(left) = tree.child_by_field(index, "left") else { return };
        let right = tree.child_by_field(index, "right");
        if tree.text(left) == "__all__" && context.scope == 0 {
            self.facts.exports = right.and_then(|right| texts(tree, right));
        }
        let annotation = tree.child_by_field(index, "type");
        // What is assigned may be of another class than the one that the annotation allows.
        if let (Some(annotation), Some(name)) = (annotation, target_name(tree, left)) {
            let says = self.hold_annotation(name, annotation, context);
            // In a class it is what objects have to which nothing else is given.
            if says && self.scope_kind(context.scope) == ScopeKind::Class {
                return;
            }
        }
        if let Some(right) = right {
            self.assign(left, right);
        }
    }

    /// `target += value`, which goes on holding what it held, and `__all__ += [...]`.
    pub(in crate::languages::python) fn extended(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(left) = tree.child_by_field(index, "left") else { return };
        if tree.text(left) == "__all__" && context.scope == 0 {
            let more = tree.child_by_field(index, "right").and_then(|right| texts(tree, right));
            self.export(more);
        }
        if tree.kind(left) == "identifier" {
            let held = ValuePath { head: left, steps: String::new() };
            self.hold(left, ValueKind::Assigned, Some(held), None);
        }
    }

    /// `__all__.append(name)`, `__all__.extend(names)` and `__all__.remove(name)`.
    pub(in crate::languages::python) fn exporting(&mut self, call: NodeIndex, function: NodeIndex) {
        let tree = self.tree;
        let list = tree.child_by_field(call, "arguments");
        let argument = list.and_then(|list| tree.named_children(list).find(|&it| !is_extra(tree.kind(it))));
        let (Some(argument), Some(method)) = (argument, tree.child_by_field(function, "attribute")) else {
            return;
        };
        match tree.text(method) {
            "append" => self.export(plain_content(tree, argument).map(|name| vec![name])),
            "extend" => self.export(texts(tree, argument)),
            "remove" => {
                if let (Some(known), Some(name)) = (&mut self.facts.exports, plain_content(tree, argument)) {
                    known.retain(|it| *it != name);
                }
            }
            _ => {}
        }
    }

    /// Adds to what a module exports; when that is not known, all is.
    fn export(&mut self, more: Option<Vec<&'s str>>) {
        match (&mut self.facts.exports, more) {
            (Some(known), Some(more)) => known.extend(more),
            (exports, _) => *exports = None,
        }
    }

    fn assign(&mut self, left: NodeIndex, right: NodeIndex) {
        let mut pending = vec![(left, right)];
        while let Some((left, right)) = pending.pop() {
            match target_name(self.tree, left) {
                Some(name) => self.hold_expression(name, ValueKind::Assigned, right),
                None => pending.extend(pairs(self.tree, left, right)),
            }
        }
    }

    /// `for target in values`.
    pub(in crate::languages::python) fn iterated(&mut self, index: NodeIndex) {
        let tree = self.tree;
        let (Some(left), Some(right)) =
            (tree.child_by_field(index, "left"), tree.child_by_field(index, "right"))
        else {
            return;
        };
        if let Some(name) = target_name(tree, left) {
            for (_, path) in contents(tree, right).into_iter().filter(|(kind, _)| *kind == ValueKind::Element)
            {
                self.hold(name, ValueKind::Assigned, Some(path), None);
            }
            if let Some(path) = element(tree, right) {
                self.hold(name, ValueKind::Assigned, Some(path), None);
            }
            return;
        }
        let second = parts(tree, left).nth(1).filter(|_| parts(tree, left).count() == 2);
        let second = second.and_then(|target| target_name(tree, target));
        if let (Some(name), Some(path)) = (second, second_element(tree, right)) {
            self.hold(name, ValueKind::Assigned, Some(path), None);
        }
    }

    /// Annotation and default of a parameter.
    pub(in crate::languages::python) fn parameter_value(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let name = match tree.child_by_field(index, "name") {
            Some(name) => Some(name),
            None => tree.named_children(index).next().filter(|&name| tree.kind(name) == "identifier"),
        };
        let Some(name) = name else { return };
        if let Some(annotation) = tree.child_by_field(index, "type")
            && self.hold_annotation(name, annotation, context)
        {
            return;
        }
        if let Some(value) = tree.child_by_field(index, "value") {
            self.hold_expression(name, ValueKind::Default, value);
        }
    }

    /// `value as name` in `with`, which enters the value, and in `except`, where it is a class.
    pub(in crate::languages::python) fn entered(&mut self, index: NodeIndex) {
        let tree = self.tree;
        let mut parts = tree.named_children(index);
        let (Some(value), Some(alias)) = (parts.next(), parts.next()) else { return };
        let name =
            if tree.kind(alias) == "identifier" { Some(alias) } else { tree.named_children(alias).next() };
        let Some(name) = name.filter(|&name| tree.kind(name) == "identifier") else { return };
        let steps = match tree.parent(index).map(|parent| (parent, tree.kind(parent))) {
            Some((item, "with_item")) if is_async_with(tree, item) => ".__aenter__/()/await/",
            Some((_, "with_item")) => ".__enter__/()/",
            Some((_, "except_clause")) => ":/",
            _ => return,
        };
        let is_one_of = steps == ":/" && tree.kind(value) == "tuple";
        let several = is_one_of.then(|| tree.named_children(value).take(MAX_CLASSES));
        let values = several.into_iter().flatten().chain((!is_one_of).then_some(value));
        for value in values.collect::<Vec<_>>() {
            if let Some(mut path) = path(tree, value) {
                path.steps.push_str(steps);
                self.hold(name, ValueKind::Assigned, Some(path), None);
            }
        }
    }

    /// `Class(...) as name` in a `case`.
    pub(in crate::languages::python) fn matched(&mut self, pattern: Option<NodeIndex>, name: NodeIndex) {
        let tree = self.tree;
        let class = pattern
            .and_then(|pattern| tree.named_children(pattern).next())
            .filter(|&it| tree.kind(it) == "class_pattern")
            .and_then(|class| tree.child_by_kind(class, "dotted_name"));
        let Some(class) = class else { return };
        let mut parts = tree.named_children(class);
        let Some(head) = parts.next() else { return };
        let mut steps: String = parts.map(|part| format!(".{}/", tree.name(part))).collect();
        steps.push_str(":/");
        self.hold(name, ValueKind::Assigned, Some(ValuePath { head, steps }), None);
    }

    /// `T: bound` in a list of type parameters: what is of the type `T` is of that of the bound.
    pub(in crate::languages::python) fn bounded(&mut self, parameter: NodeIndex, bound: Option<NodeIndex>) {
        let name = inner(self.tree, parameter);
        if let Some(bound) = bound.filter(|_| self.tree.kind(name) == "identifier") {
            self.hold_expression(name, ValueKind::Assigned, inner(self.tree, bound));
        }
    }
}

/// Whether what a `with` enters is waited for.
fn is_async_with(tree: &SyntaxTree<'_>, item: NodeIndex) -> bool {
    let around = std::iter::successors(tree.parent(item), |&index| tree.parent(index));
    let statement = around.take(2).find(|&index| tree.kind(index) == "with_statement");
    statement.is_some_and(|statement| tree.child_by_kind(statement, "async").is_some())
}

/// The name that an assignment to a target binds: a variable's, or that of an attribute.
fn target_name(tree: &SyntaxTree<'_>, target: NodeIndex) -> Option<NodeIndex> {
    match tree.kind(target) {
        "identifier" => Some(target),
        "attribute" => tree.child_by_field(target, "attribute"),
        _ => None,
    }
}

/// The texts in a list or tuple of plain strings; none when something else is in it.
fn texts<'s>(tree: &SyntaxTree<'s>, list: NodeIndex) -> Option<Vec<&'s str>> {
    let list = inner(tree, list);
    if !matches!(tree.kind(list), "list" | "tuple" | "expression_list") {
        return None;
    }
    let items = tree.named_children(list).filter(|&item| !is_extra(tree.kind(item)));
    items.map(|item| plain_content(tree, item)).collect()
}

/// The text of a string without escapes, as it is written.
fn plain_content<'s>(tree: &SyntaxTree<'s>, string: NodeIndex) -> Option<&'s str> {
    let content = tree.child_by_kind(string, "string_content").filter(|_| tree.kind(string) == "string")?;
    Some(tree.text(content))
}
