//! What is known of functions and classes before they are called: results, receivers, bases and fields.

use super::super::rules::{Analysis, Context};
use super::super::statements::inner;
use super::super::text::is_extra;
use super::path::path;
use crate::lexical::{
    BindingIndex, BindingKind, BoundValue, Namespace, Rebinding, Receiver, ScopeIndex, ValueKind,
};
use crate::tree::{NodeIndex, SyntaxTree};

impl Analysis<'_, '_, '_> {
    /// `return value`, and `yield`, which makes a function return something else.
    pub(in crate::languages::python) fn returned(&mut self, index: NodeIndex, kind: &str, context: Context) {
        let Some(function) = context.enclosing.and_then(|index| self.facts.bindings.get(index)) else {
            return;
        };
        let name = function.name_node;
        if kind == "yield" {
            self.facts.opaque.insert(name);
            let mut values = self.tree.named_children(index).filter(|&it| !is_extra(self.tree.kind(it)));
            if let Some(value) = values.next().filter(|_| self.tree.child_by_kind(index, "from").is_none()) {
                self.hold_expression(name, ValueKind::Yielded, value);
            }
        } else if let Some(value) = self.tree.named_children(index).find(|&it| !is_extra(self.tree.kind(it)))
        {
            self.hold_expression(name, ValueKind::Returned, value);
        }
    }

    /// What the decorators of a function say about its value.
    pub(in crate::languages::python) fn decorated_function(
        &mut self,
        index: NodeIndex,
        binding: BindingIndex,
    ) {
        let tree = self.tree;
        let Some(name) = tree.child_by_field(index, "name") else { return };
        let decorators = decorator_names(tree, index);
        let own = tree.text(name);
        for decorator in &decorators {
            match decorator.rsplit('.').next().unwrap_or_default() {
                "property" | "cached_property" | "abstractproperty" => {
                    self.hold(name, ValueKind::Property, None, None);
                }
                "setter" | "deleter" | "getter" if decorator.split('.').next() == Some(own) => {
                    if let Some(binding) = self.facts.bindings.get_mut(binding) {
                        binding.rebinding = Rebinding::Extends;
                    }
                }
                "overload" => {
                    if let Some(binding) = self.facts.bindings.get_mut(binding) {
                        binding.rebinding = Rebinding::Overloads;
                    }
                }
                _ => {}
            }
        }
        let returns_itself = |name: &&str| {
            let last = name.rsplit('.').next().unwrap_or_default();
            KEEPS_RESULT.contains(&last)
        };
        if tree.child_by_kind(index, "async").is_some() {
            self.hold(name, ValueKind::Coroutine, None, None);
        }
        if !decorators.iter().all(returns_itself) {
            self.facts.opaque.insert(name);
        }
        if let Some(mut path) = outermost_decorator(tree, index).and_then(|decorator| path(tree, decorator)) {
            path.steps.push_str("()/");
            self.hold(name, ValueKind::Decorated, Some(path), None);
        }
    }

    /// What the return annotation of a function says, which is looked up in the context given.
    pub(in crate::languages::python) fn result_annotation(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let (Some(name), Some(annotation)) =
            (tree.child_by_field(index, "name"), tree.child_by_field(index, "return_type"))
        else {
            return;
        };
        let class = self.class_around(context.scope).and_then(|class| self.facts.scopes.get(class));
        let own_class = class.map(|class| class.node).filter(|_| inner_text(tree, annotation) == "Self");
        let says = match own_class {
            Some(class) => {
                self.hold(name, ValueKind::Annotated, None, Some(class));
                true
            }
            None => self.hold_annotation(name, annotation, context),
        };
        if says {
            self.facts.opaque.insert(name);
        }
    }

    /// The first parameter of a method: the object or the class that the method belongs to.
    pub(in crate::languages::python) fn receiver(
        &mut self,
        index: NodeIndex,
        method: ScopeIndex,
        context: Context,
    ) {
        let tree = self.tree;
        let decorators = decorator_names(tree, index);
        let has = |wanted: &str| decorators.iter().any(|name| name.rsplit('.').next() == Some(wanted));
        let own = tree.child_by_field(index, "name").map_or("", |name| tree.text(name));
        if has("staticmethod") {
            return;
        }
        let of_class = has("classmethod")
            || has("abstractclassmethod")
            || matches!(own, "__new__" | "__init_subclass__" | "__class_getitem__");
        let first = tree
            .child_by_field(index, "parameters")
            .and_then(|list| tree.named_children(list).find(|&child| !is_extra(tree.kind(child))));
        let name = first.and_then(|first| match tree.kind(first) {
            "identifier" => Some(first),
            "typed_parameter" | "default_parameter" | "typed_default_parameter" => {
                tree.named_children(first).next()
            }
            _ => None,
        });
        let Some(name) = name.filter(|&name| tree.kind(name) == "identifier") else { return };
        let Some(class) = self.facts.scopes.get(context.scope).map(|class| class.node) else { return };
        let kind = if of_class { ValueKind::ReceiverClass } else { ValueKind::Receiver };
        self.hold(name, kind, None, Some(class));
        let name = self.facts.names.intern(tree.name(name));
        self.facts.receivers.insert(method, Receiver { name, class: context.scope });
    }

    /// The parameters of a function that no keyword names: those before a `/`, and those that take all the rest.
    pub(in crate::languages::python) fn positional(&mut self, parameters: NodeIndex) {
        let tree = self.tree;
        let all: Vec<NodeIndex> = tree.named_children(parameters).collect();
        let end = all.iter().position(|&it| tree.kind(it) == "positional_separator").unwrap_or_default();
        for (place, &parameter) in all.iter().enumerate() {
            let name = match tree.kind(parameter) {
                "identifier" => Some(parameter),
                "default_parameter" | "typed_default_parameter" => tree.child_by_field(parameter, "name"),
                _ => tree.named_children(parameter).next(),
            };
            let takes_rest =
                |node| matches!(tree.kind(node), "list_splat_pattern" | "dictionary_splat_pattern");
            let name = match name {
                Some(name) if takes_rest(parameter) => Some(name),
                Some(inner) if takes_rest(inner) => tree.named_children(inner).next(),
                name => name.filter(|_| place < end),
            };
            if let Some(name) = name.filter(|&name| tree.kind(name) == "identifier") {
                self.hold(name, ValueKind::Positional, None, None);
            }
        }
    }

    /// What a class derives from, in order.
    pub(in crate::languages::python) fn bases(&mut self, index: NodeIndex, name: NodeIndex) {
        let tree = self.tree;
        let Some(list) = tree.child_by_field(index, "superclasses") else { return };
        let bases = tree.named_children(list).filter(|&base| {
            let kind = tree.kind(base);
            !is_extra(kind) && kind != "keyword_argument"
        });
        let metaclass = tree.named_children(list).find(|&argument| {
            tree.kind(argument) == "keyword_argument"
                && tree.child_by_field(argument, "name").is_some_and(|name| tree.text(name) == "metaclass")
        });
        if let Some(value) = metaclass.and_then(|argument| tree.child_by_field(argument, "value")) {
            let path = path(tree, value);
            self.facts.values.push(BoundValue {
                name_node: name,
                kind: ValueKind::Metaclass,
                path,
                class: None,
                position: 0,
            });
        }
        for (position, base) in bases.enumerate() {
            let path = path(tree, base);
            let position = i32::try_from(position).unwrap_or(i32::MAX);
            self.facts.values.push(BoundValue {
                name_node: name,
                kind: ValueKind::Base,
                path,
                class: None,
                position,
            });
        }
    }

    /// `receiver.name = value` in a method binds a field of the class.
    pub(in crate::languages::python) fn field(
        &mut self,
        attribute: NodeIndex,
        name: NodeIndex,
        context: Context,
    ) {
        let tree = self.tree;
        let Some(object) = tree.child_by_field(attribute, "object") else { return };
        if tree.kind(object) != "identifier" {
            return;
        }
        let object = self.facts.names.intern(tree.name(object));
        let mut current = Some(context.scope);
        while let Some(index) = current {
            match self.facts.receivers.get(&index) {
                Some(receiver) if receiver.name == object => {
                    let kind = (BindingKind::Field, Namespace::Member);
                    self.bind(name, name, receiver.class, kind, context.enclosing);
                    return;
                }
                _ if self.facts.parameters.contains(&(index, object)) => return,
                _ => current = self.facts.scopes.get(index).and_then(|scope| scope.parent),
            }
        }
    }
}

/// Decorators that hand on what the function returns.
const KEEPS_RESULT: [&str; 12] = [
    "staticmethod",
    "classmethod",
    "property",
    "cached_property",
    "abstractmethod",
    "abstractproperty",
    "overload",
    "override",
    "final",
    "cache",
    "lru_cache",
    "wraps",
];

/// The decorator that is applied last, if it may make something else of the function.
fn outermost_decorator(tree: &SyntaxTree<'_>, definition: NodeIndex) -> Option<NodeIndex> {
    let name = *decorator_names(tree, definition).first()?;
    let last = name.rsplit('.').next().unwrap_or_default();
    if KEEPS_RESULT.contains(&last) || matches!(last, "setter" | "deleter" | "getter") {
        return None;
    }
    let decorator = tree.child_by_kind(tree.parent(definition)?, "decorator")?;
    tree.named_children(decorator).find(|&child| !is_extra(tree.kind(child)))
}

/// The dotted names of a definition's decorators, without arguments.
fn decorator_names<'s>(tree: &SyntaxTree<'s>, definition: NodeIndex) -> Vec<&'s str> {
    let Some(parent) = tree.parent(definition).filter(|&it| tree.kind(it) == "decorated_definition") else {
        return Vec::new();
    };
    let expressions = tree
        .named_children(parent)
        .filter(|&child| tree.kind(child) == "decorator")
        .filter_map(|decorator| tree.named_children(decorator).find(|&child| !is_extra(tree.kind(child))));
    expressions
        .map(|expression| match tree.kind(expression) {
            "call" => tree.child_by_field(expression, "function").unwrap_or(expression),
            _ => expression,
        })
        .map(|expression| tree.text(expression))
        .collect()
}

fn inner_text<'s>(tree: &SyntaxTree<'s>, annotation: NodeIndex) -> &'s str {
    let text = tree.text(inner(tree, annotation));
    text.trim_matches(['"', '\''])
}
