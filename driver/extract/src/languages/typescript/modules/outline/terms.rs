//! Terms: where the value of an expression comes from, and what a type says. Nodes are read from the last to the first, so
//! that parts come before what is made of them.

use super::super::super::syntax::{This, is_function, is_function_value, specifier, unquoted};
use super::collect::Collector;
use super::{Function, Index, Space, Term};
use crate::lexical::Namespace;
use crate::tree::NodeIndex;

impl Collector<'_, '_> {
    /// The functions of the file.
    pub(super) fn functions(&mut self) {
        let tree = self.read.tree;
        for (node, found) in tree.nodes.iter().enumerate() {
            if !found.named || !is_function(found.kind) {
                continue;
            }
            let is_generator = found.kind.starts_with("generator") || tree.child_by_kind(node, "*").is_some();
            let is_async = tree.child_by_kind(node, "async").is_some();
            let is_type = matches!(found.kind, "function_type" | "constructor_type");
            let node_id = self.node_id(node);
            self.functions.insert(node, self.out.functions.len() as Index);
            self.out.functions.push(Function {
                node_id,
                is_type,
                is_generator,
                is_async,
                ..Function::default()
            });
        }
    }

    /// The terms of all nodes that have one.
    pub(super) fn terms(&mut self) {
        for node in (0..self.read.tree.nodes.len()).rev() {
            if !self.read.tree.node(node).named {
                continue;
            }
            let term = self.read_term(node);
            if let Some(slot) = self.terms.get_mut(node) {
                *slot = term;
            }
        }
    }

    fn read_term(&mut self, node: NodeIndex) -> Index {
        let kind = self.read.tree.kind(node);
        let term = match kind {
            "identifier" | "shorthand_property_identifier" | "type_identifier" => self.name_term(node),
            "this" | "this_type" => self.this_term(node),
            "super" => self.super_term(node),
            "member_expression" => self.member_term(node, "object", "property", Space::Value),
            "nested_identifier" => self.member_term(node, "object", "property", Space::Either),
            "nested_type_identifier" => self.member_term(node, "module", "name", Space::Type),
            "subscript_expression" => self.subscript_term(node),
            "call_expression" => self.call_term(node),
            "new_expression" => Term::New(self.field_term(node, "constructor").unwrap_or(0)),
            "await_expression" => Term::Await(self.child_term(node)),
            "object" | "object_type" => {
                self.shapes.get(&node).map_or(Term::Unknown, |&shape| Term::Object(shape))
            }
            "class" => self.shapes.get(&node).map_or(Term::Unknown, |&shape| Term::Class(shape)),
            "array" | "array_type" | "tuple_type" => self.list_term(node),
            "undefined" | "null" => Term::Nothing,
            "predefined_type" => self.predefined(node),
            "ternary_expression" => {
                let part = |field| self.field_term(node, field).unwrap_or(0);
                Term::Or(part("consequence"), part("alternative"))
            }
            "binary_expression" => return self.binary_term(node),
            "union_type" | "intersection_type" => self.two_types(node, kind == "union_type"),
            "generic_type" => self.generic(node),
            "lookup_type" => self.looked_up(node),
            _ if is_function_value(kind) || kind == "function_type" => {
                self.functions.get(&node).map_or(Term::Unknown, |&function| Term::Function(function))
            }
            _ => match builtin(kind) {
                Some(name) => Term::Builtin(self.symbols.intern(name)),
                None => return self.shell(node, kind),
            },
        };
        self.add(term)
    }

    /// What stands around another expression or type and means the same.
    fn shell(&self, node: NodeIndex, kind: &str) -> Index {
        match kind {
            "parenthesized_expression"
            | "non_null_expression"
            | "satisfies_expression"
            | "instantiation_expression"
            | "type_annotation"
            | "adding_type_annotation"
            | "omitting_type_annotation"
            | "opting_type_annotation"
            | "constraint"
            | "default_type"
            | "parenthesized_type"
            | "readonly_type"
            | "literal_type"
            | "optional_type"
            | "type_query"
            | "extends_clause" => self.child_term(node),
            "as_expression" | "type_assertion" | "sequence_expression" => {
                self.read.tree.named_children(node).last().map_or(0, |last| self.term(last))
            }
            "assignment_expression" => self.field_term(node, "right").unwrap_or(0),
            _ => 0,
        }
    }

    fn child_term(&self, node: NodeIndex) -> Index {
        self.first_child(node).map_or(0, |child| self.term(child))
    }

    fn name_term(&self, node: NodeIndex) -> Term {
        let Some(reference) = self.references.get(&node) else { return Term::Unknown };
        let Some(used) = self.read.facts.references.get(*reference) else { return Term::Unknown };
        let space = match used.namespace {
            Namespace::Value => Space::Value,
            Namespace::Type => Space::Type,
            Namespace::Any | Namespace::Macro | Namespace::Member => Space::Either,
        };
        match (self.group_of(node), space) {
            (Some(group), _) => Term::Local(group, space),
            (None, Space::Type) => Term::FreeType(self.symbol(node)),
            (None, Space::Value | Space::Either) => Term::Free(self.symbol(node)),
        }
    }

    fn this_term(&self, node: NodeIndex) -> Term {
        match self.this.get(node) {
            Some(This::Instance(owner)) => {
                self.shapes.get(owner).map_or(Term::Unknown, |&shape| Term::Object(shape))
            }
            Some(This::Static(owner)) => {
                self.shapes.get(owner).map_or(Term::Unknown, |&shape| Term::Class(shape))
            }
            Some(This::Unknown) | None => Term::Unknown,
        }
    }

    fn super_term(&self, node: NodeIndex) -> Term {
        let called = self.read.tree.node(node).field == Some("function");
        match self.this.get(node) {
            Some(This::Instance(owner)) => {
                self.shapes.get(owner).map_or(Term::Unknown, |&shape| Term::Base(shape, !called))
            }
            Some(This::Static(owner)) => {
                self.shapes.get(owner).map_or(Term::Unknown, |&shape| Term::Base(shape, false))
            }
            Some(This::Unknown) | None => Term::Unknown,
        }
    }

    fn member_term(&self, node: NodeIndex, object: &str, name: &str, space: Space) -> Term {
        let Some(name) = self.read.tree.child_by_field(node, name) else { return Term::Unknown };
        Term::Member(self.field_term(node, object).unwrap_or(0), self.symbol(name), space)
    }

    fn subscript_term(&self, node: NodeIndex) -> Term {
        let tree = self.read.tree;
        let object = self.field_term(node, "object").unwrap_or(0);
        match tree.child_by_field(node, "index").filter(|&index| tree.kind(index) == "string") {
            Some(name) => Term::Member(object, self.symbol(name), Space::Value),
            None => Term::Element(object),
        }
    }

    fn call_term(&mut self, node: NodeIndex) -> Term {
        let tree = self.read.tree;
        let Some(function) = tree.child_by_field(node, "function") else { return Term::Unknown };
        let first = tree.child_by_field(node, "arguments").and_then(|list| self.first_child(list));
        let module = first.and_then(|first| specifier(tree, first));
        match (module, tree.kind(function)) {
            (Some(module), "import") => {
                let module = self.specifier(module);
                let module = self.add(Term::Module(module));
                Term::Promise(module)
            }
            (Some(module), "identifier")
                if tree.text(function) == "require" && self.group_of(function).is_none() =>
            {
                Term::Module(self.specifier(module))
            }
            _ => Term::Call(self.term(function)),
        }
    }

    fn list_term(&self, node: NodeIndex) -> Term {
        let tree = self.read.tree;
        let mut elements = tree.named_children(node).filter(|&child| tree.kind(child) != "comment");
        match (elements.next(), tree.kind(node)) {
            // The elements of a tuple differ.
            (Some(_), "tuple_type") | (None, _) => Term::List(0),
            (Some(first), _) => Term::List(self.term(first)),
        }
    }

    fn predefined(&self, node: NodeIndex) -> Term {
        let name = match self.read.tree.text(node) {
            "string" => "String",
            "number" => "Number",
            "boolean" => "Boolean",
            "symbol" => "Symbol",
            "bigint" => "BigInt",
            "void" | "never" | "undefined" => return Term::Nothing,
            _ => return Term::Unknown,
        };
        Term::Builtin(self.symbols.intern(name))
    }

    fn binary_term(&mut self, node: NodeIndex) -> Index {
        let tree = self.read.tree;
        let part = |field| self.field_term(node, field).unwrap_or(0);
        let (left, right) = (part("left"), part("right"));
        let operator = tree.child_by_field(node, "operator").map_or("", |operator| tree.kind(operator));
        let name = match operator {
            "||" | "??" => return self.add(Term::Or(left, right)),
            "&&" => return right,
            "==" | "!=" | "===" | "!==" | "<" | "<=" | ">" | ">=" | "in" | "instanceof" => "Boolean",
            _ => return 0,
        };
        self.add(Term::Builtin(self.symbols.intern(name)))
    }

    fn two_types(&self, node: NodeIndex, is_union: bool) -> Term {
        let tree = self.read.tree;
        let mut parts = tree.named_children(node).filter(|&child| tree.kind(child) != "comment");
        let first = parts.next().map_or(0, |part| self.term(part));
        match parts.next().map(|part| self.term(part)) {
            None => Term::Or(first, 1),
            Some(second) if is_union => Term::Or(first, second),
            Some(second) => Term::And(first, second),
        }
    }

    fn generic(&mut self, node: NodeIndex) -> Term {
        let tree = self.read.tree;
        let arguments = tree.child_by_field(node, "type_arguments");
        let arguments = arguments.into_iter().flat_map(|list| tree.named_children(list));
        let arguments: Vec<Index> = arguments.map(|argument| self.term(argument)).collect();
        let list = self.out.lists.len() as Index;
        self.out.lists.push(arguments);
        Term::Generic(self.field_term(node, "name").unwrap_or(0), list)
    }

    /// `T["name"]`: the type of a member.
    fn looked_up(&self, node: NodeIndex) -> Term {
        let tree = self.read.tree;
        let mut parts = tree.named_children(node).filter(|&child| tree.kind(child) != "comment");
        let (Some(object), Some(index)) = (parts.next(), parts.next()) else { return Term::Unknown };
        let name = unquoted(tree.text(index));
        if tree.kind(index) == "literal_type" && name != tree.text(index) {
            return Term::Member(self.term(object), self.symbols.intern(name), Space::Value);
        }
        Term::Element(self.term(object))
    }
}

/// The class of what is written out.
fn builtin(kind: &str) -> Option<&'static str> {
    match kind {
        "string" | "template_string" | "template_literal_type" => Some("String"),
        "number" => Some("Number"),
        "true" | "false" => Some("Boolean"),
        "regex" => Some("RegExp"),
        _ => None,
    }
}
