//! Expressions and patterns, as far as they tell which type a value has.

use super::super::types::{ARRAY, TUPLE};
use super::collect::{Collector, Entity};
use super::paths::is_comment;
use super::{Expr, Index, Symbol, push};
use crate::lexical::BindingIndex;
use crate::tree::NodeIndex;

/// How far an expression is followed: the parts of a longer one are followed for themselves.
const MAX_DEPTH: usize = 24;

/// How many parts of a list are looked at.
const MAX_PARTS: usize = 16;

impl Collector<'_, '_> {
    /// The expression at a node.
    pub(super) fn expr(&mut self, node: NodeIndex, depth: usize) -> Index {
        if let Some(&known) = self.known_exprs.get(&node) {
            return known;
        }
        if depth > MAX_DEPTH {
            return push(&mut self.out.exprs, Expr::Unknown);
        }
        let expr = self.read_expr(node, depth + 1).unwrap_or(Expr::Unknown);
        let index = push(&mut self.out.exprs, expr);
        self.known_exprs.insert(node, index);
        index
    }

    fn same(&mut self, node: Option<NodeIndex>, depth: usize) -> Option<Expr> {
        let inner = self.expr(node?, depth);
        self.out.exprs.get(inner as usize).copied()
    }

    fn read_expr(&mut self, node: NodeIndex, depth: usize) -> Option<Expr> {
        let tree = self.read.tree;
        let field = |name| tree.child_by_field(node, name);
        let first = || tree.named_children(node).find(|&child| !is_comment(tree.kind(child)));
        match tree.kind(node) {
            "identifier" | "self" => self.name_expr(node, depth),
            "scoped_identifier" => self.path(node).map(Expr::Path),
            "struct_expression" => self.path(field("name")?).map(Expr::Struct),
            "call_expression" => self.call_expr(node, depth),
            "field_expression" => {
                let value = self.expr(field("value")?, depth);
                Some(Expr::Field(value, self.symbol(field("field")?)))
            }
            "reference_expression" => self.same(field("value"), depth),
            "parenthesized_expression" | "await_expression" => self.same(first(), depth),
            "unary_expression" if tree.text(node).starts_with('*') => {
                let value = self.expr(first()?, depth);
                Some(Expr::Dereferenced(value))
            }
            "try_expression" => {
                let inner = self.expr(first()?, depth);
                Some(Expr::Inside(inner))
            }
            "type_cast_expression" => Some(Expr::Typed(self.type_ref(field("type")))),
            "index_expression" => {
                let value = self.expr(first()?, depth);
                let mut parts = tree.named_children(node).skip(1);
                let is_range = parts.any(|part| tree.kind(part) == "range_expression");
                (!is_range).then_some(Expr::Indexed(value))
            }
            "array_expression" => {
                let value = self.expr(first()?, depth);
                Some(Expr::Made(self.symbols.intern(ARRAY), self.list(&[value])))
            }
            "tuple_expression" => {
                let parts = tree.named_children(node).filter(|&part| !is_comment(tree.kind(part)));
                let parts: Vec<NodeIndex> = parts.take(MAX_PARTS).collect();
                let parts: Vec<Index> = parts.into_iter().map(|part| self.expr(part, depth)).collect();
                Some(Expr::Made(self.symbols.intern(TUPLE), self.list(&parts)))
            }
            "closure_expression" => {
                let body = self.expr(field("body")?, depth);
                Some(Expr::Closure(body))
            }
            "macro_invocation" => self.macro_expr(node, depth),
            kind => match literal(kind, tree.text(node)) {
                Some(name) => Some(Expr::Made(self.symbols.intern(name), self.list(&[]))),
                None => self.block_expr(node, depth),
            },
        }
    }

    fn list(&mut self, parts: &[Index]) -> Index {
        push(&mut self.out.lists, parts.to_vec())
    }

    /// The value of a block is that of its end; that of a branch is that of one that tells.
    fn block_expr(&mut self, node: NodeIndex, depth: usize) -> Option<Expr> {
        let tree = self.read.tree;
        match tree.kind(node) {
            "block" => {
                let last = tree.named_children(node).filter(|&child| !is_comment(tree.kind(child))).last()?;
                match tree.kind(last) {
                    // A branch at the end has no semicolon, and is the value nevertheless.
                    "expression_statement" if tree.text(last).ends_with('}') => {
                        self.same(tree.named_children(last).next(), depth)
                    }
                    kind if kind.ends_with("_statement") || kind.ends_with("_item") => None,
                    "let_declaration" | "use_declaration" | "macro_definition" => None,
                    _ => self.same(Some(last), depth),
                }
            }
            "unsafe_block" | "async_block" | "const_block" | "else_clause" => {
                self.same(tree.named_children(node).last(), depth)
            }
            "if_expression" => {
                let parts = ["consequence", "alternative"];
                let parts: Vec<NodeIndex> =
                    parts.iter().filter_map(|part| tree.child_by_field(node, part)).collect();
                self.either(parts, depth)
            }
            "match_expression" => {
                let arms = tree.child_by_field(node, "body")?;
                let values = tree.named_children(arms).filter_map(|arm| tree.child_by_field(arm, "value"));
                self.either(values.take(MAX_PARTS).collect(), depth)
            }
            _ => None,
        }
    }

    fn either(&mut self, parts: Vec<NodeIndex>, depth: usize) -> Option<Expr> {
        let parts: Vec<Index> = parts.into_iter().map(|part| self.expr(part, depth)).collect();
        Some(Expr::Either(self.list(&parts)))
    }

    fn macro_expr(&mut self, node: NodeIndex, depth: usize) -> Option<Expr> {
        let tree = self.read.tree;
        let name = tree.text(tree.child_by_field(node, "macro")?);
        match name.rsplit("::").next()? {
            "format" => Some(Expr::Made(self.symbols.intern("String"), self.list(&[]))),
            "vec" => {
                let arguments = tree.named_children(node).last()?;
                let first = tree.named_children(arguments).next()?;
                let first = if tree.kind(arguments) == "token_tree" { None } else { Some(first) };
                let element = self.expr(first?, depth);
                Some(Expr::Made(self.symbols.intern("Vec"), self.list(&[element])))
            }
            _ => None,
        }
    }

    fn call_expr(&mut self, node: NodeIndex, depth: usize) -> Option<Expr> {
        let tree = self.read.tree;
        let function = tree.child_by_field(node, "function")?;
        let generic = tree.kind(function) == "generic_function";
        let inner = if generic { tree.child_by_field(function, "function")? } else { function };
        let arguments = tree.child_by_field(node, "arguments");
        let arguments = arguments.into_iter().flat_map(|list| tree.named_children(list));
        let arguments = arguments.filter(|&argument| !is_comment(tree.kind(argument)));
        let arguments: Vec<NodeIndex> = arguments.take(MAX_PARTS).collect();
        if tree.kind(inner) == "field_expression" {
            let value = self.expr(tree.child_by_field(inner, "value")?, depth);
            let name = self.symbol(tree.child_by_field(inner, "field")?);
            if generic && tree.text(function).contains("collect") {
                let list = tree.child_by_field(function, "type_arguments")?;
                let ty = self.type_ref(tree.named_children(list).next());
                return Some(Expr::Collected(value, ty));
            }
            let arguments: Vec<Index> = arguments.into_iter().map(|part| self.expr(part, depth)).collect();
            return Some(Expr::Method(value, name, self.list(&arguments)));
        }
        if let Some(Entity::Local) = self.entity(inner) {
            let value = self.expr(inner, depth);
            return Some(Expr::Called(value));
        }
        let path = self.path(function)?;
        let arguments: Vec<Index> = arguments.into_iter().map(|part| self.expr(part, depth)).collect();
        Some(Expr::Call(path, self.list(&arguments)))
    }

    fn name_expr(&mut self, node: NodeIndex, depth: usize) -> Option<Expr> {
        let reference = *self.references.get(&node)?;
        let local = self
            .binding_at(reference)
            .filter(|&binding| matches!(self.entities.get(binding), Some(Entity::Local)));
        match local {
            Some(binding) => {
                let value = self.local(binding, depth)?;
                self.out.exprs.get(value as usize).copied()
            }
            None => self.path(node).map(Expr::Path),
        }
    }

    /// The value of a local variable: its written type, or what it begins with.
    fn local(&mut self, binding: BindingIndex, depth: usize) -> Option<Index> {
        if let Some(&known) = self.locals.get(&binding) {
            return known;
        }
        self.locals.insert(binding, None);
        let expr = self.read_local(binding, depth);
        let index = expr.map(|expr| push(&mut self.out.exprs, expr));
        self.locals.insert(binding, index);
        index
    }

    fn read_local(&mut self, binding: BindingIndex, depth: usize) -> Option<Expr> {
        let tree = self.read.tree;
        let node = self.read.facts.bindings.get(binding)?.node;
        // The patterns around the name, innermost first, each with the part of it that leads to the name.
        let mut steps: Vec<(NodeIndex, NodeIndex)> = Vec::new();
        let mut pattern = node;
        let declaration = loop {
            let parent = tree.parent(pattern)?;
            match tree.kind(parent) {
                "mut_pattern" | "ref_pattern" | "reference_pattern" | "or_pattern" | "match_pattern" => {}
                "captured_pattern" | "field_pattern" => {}
                "tuple_struct_pattern" | "tuple_pattern" | "slice_pattern" | "struct_pattern" => {
                    if tree.child_by_field(parent, "type") == Some(pattern) || steps.len() > MAX_DEPTH {
                        return None;
                    }
                    steps.push((parent, pattern));
                }
                _ => break parent,
            }
            pattern = parent;
        };
        let mut expr = self.declared(declaration, pattern, node, depth)?;
        for (pattern, part) in steps.into_iter().rev() {
            expr = self.part(expr, pattern, part)?;
        }
        Some(expr)
    }

    /// The value that a whole pattern is given.
    fn declared(
        &mut self,
        declaration: NodeIndex,
        pattern: NodeIndex,
        name: NodeIndex,
        depth: usize,
    ) -> Option<Expr> {
        let tree = self.read.tree;
        let field = |name| tree.child_by_field(declaration, name);
        match tree.kind(declaration) {
            "self_parameter" => Some(Expr::Receiver(self.enclosing_owner(name)?)),
            "parameter" | "let_declaration" | "let_condition" => {
                if field("pattern") != Some(pattern) {
                    return None;
                }
                let Some(ty) = field("type") else {
                    return match field("value") {
                        Some(value) => self.same(Some(value), depth),
                        None => self.argument(tree.parent(declaration)?, declaration, depth),
                    };
                };
                if tree.text(name) == "self" && tree.text(ty).contains("Self") {
                    return Some(Expr::Receiver(self.enclosing_owner(name)?));
                }
                Some(Expr::Typed(self.type_ref(Some(ty))))
            }
            "closure_parameters" => self.argument(declaration, pattern, depth),
            "for_expression" if field("pattern") == Some(pattern) => {
                let value = self.expr(field("value")?, depth);
                Some(Expr::Element(value))
            }
            "match_arm" if field("pattern") == Some(pattern) => {
                let matched = tree.parent(tree.parent(declaration)?)?;
                self.same(tree.child_by_field(matched, "value"), depth)
            }
            _ => None,
        }
    }

    /// What a closure's parameter is, when the closure is the argument of a method.
    fn argument(&mut self, parameters: NodeIndex, parameter: NodeIndex, depth: usize) -> Option<Expr> {
        let tree = self.read.tree;
        let closure = tree.parent(parameters).filter(|&node| tree.kind(node) == "closure_expression")?;
        let listed = tree.named_children(parameters).filter(|&node| !is_comment(tree.kind(node)));
        let position = listed.take(MAX_PARTS).position(|node| node == parameter)?;
        let call = tree.parent(tree.parent(closure)?).filter(|&node| tree.kind(node) == "call_expression")?;
        let function = tree.child_by_field(call, "function")?;
        let value = tree.child_by_field(function, "value")?;
        let name = self.symbol(tree.child_by_field(function, "field")?);
        let value = self.expr(value, depth);
        Some(Expr::Argument(value, name, position as u32))
    }

    /// The part of a value that a pattern inside of another is given.
    fn part(&mut self, whole: Expr, pattern: NodeIndex, part: NodeIndex) -> Option<Expr> {
        let tree = self.read.tree;
        let whole = push(&mut self.out.exprs, whole);
        let position = || {
            let before: Vec<&str> =
                tree.children(pattern).take_while(|&node| node != part).map(|node| tree.text(node)).collect();
            // What comes after `..` is counted from the end.
            (!before.contains(&"..")).then(|| before.iter().filter(|&&text| text == ",").count())
        };
        let kind = tree.kind(pattern);
        if kind == "slice_pattern" {
            return Some(Expr::Element(whole));
        }
        if kind == "tuple_pattern" {
            return Some(Expr::Part(whole, position()? as u32));
        }
        let owner = tree.child_by_field(pattern, "type")?;
        if kind == "tuple_struct_pattern" {
            if matches!(tree.text(owner), "Some" | "Ok") {
                return Some(Expr::Inside(whole));
            }
            let name: Symbol = self.symbols.intern(&position()?.to_string());
            return Some(Expr::Matched(self.path(owner)?, whole, name));
        }
        let name = tree.child_by_field(part, "name")?;
        let name = self.symbol(name);
        Some(Expr::Matched(self.path(owner)?, whole, name))
    }
}

/// The type of a literal, as far as it tells it.
fn literal(kind: &str, text: &str) -> Option<&'static str> {
    const NUMBERS: [&str; 14] = [
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64",
    ];
    match kind {
        "string_literal" | "raw_string_literal" => Some(if text.starts_with('b') { ARRAY } else { "str" }),
        "char_literal" => Some(if text.starts_with('b') { "u8" } else { "char" }),
        "boolean_literal" => Some("bool"),
        "integer_literal" | "float_literal" => NUMBERS.into_iter().find(|name| text.ends_with(name)),
        _ => None,
    }
}
