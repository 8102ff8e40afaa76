//! What the tokens of a macro's call say when they are read as Rust: arguments, an array, statements or items, or a value
//! with a pattern.
//!
//! The tokens stand in a small text around them that is parsed; only when that succeeds in whole are its nodes taken. A
//! macro may do with its tokens what it likes. That expressions and items are what they look like holds for all but a few
//! macros, those that quote; they keep their tokens.

use tree_sitter::{Node, Tree};

use super::formats;
use crate::tree::{Embedded, EmbeddedParser, NodeIndex, Span, SyntaxNode};

/// Arguments of a macro, as those of a call.
pub(super) const ARGUMENTS: &str = "macro_arguments";
/// Items that a macro wraps: they belong to what is around the macro.
pub(crate) const ITEMS: &str = "macro_items";
/// Statements that a macro wraps.
pub(crate) const STATEMENTS: &str = "macro_statements";
/// A value and the pattern it is matched with.
pub(super) const MATCH: &str = "macro_match";

/// Macros whose tokens are program text of another time or place.
const QUOTES: &[&str] =
    &["quote", "quote_spanned", "parse_quote", "parse_quote_spanned", "stringify", "paste"];
/// Macros whose arguments are a value and a pattern.
const MATCHES: &[&str] = &["matches", "assert_matches", "debug_assert_matches"];
/// Macros of branches, each with items.
const BRANCHES: &[&str] = &["cfg_if", "cfg_match", "cfg_select"];

/// How deep token trees may lie in one another for what is in them to be read.
const MAX_TOKEN_TREES: usize = 256;

/// A text in which tokens may stand.
struct Surroundings {
    before: &'static str,
    after: &'static str,
    roots: for<'t> fn(&'t Tree) -> Vec<Node<'t>>,
}

const CALL: Surroundings = Surroundings { before: "fn _(){m(", after: ");}", roots: |tree| between(tree, 2) };
const ARRAY: Surroundings = Surroundings { before: "fn _(){[", after: "];}", roots: |tree| between(tree, 1) };
const BLOCK: Surroundings = Surroundings { before: "fn _(){", after: "}", roots: |tree| between(tree, 0) };
const ARM: Surroundings =
    Surroundings { before: "fn _(){match ", after: "=>(),}}", roots: value_and_pattern };

/// The body of the function around the tokens.
fn body(tree: &Tree) -> Option<Node<'_>> {
    tree.root_node().named_child(0)?.child_by_field_name("body")
}

/// The children between the delimiters of the node that holds the tokens: the function's body, the expression of the
/// statement there, or the arguments of the call that this is.
fn between(tree: &Tree, depth: usize) -> Vec<Node<'_>> {
    let holder = body(tree).and_then(|body| match depth {
        0 => Some(body),
        1 => body.named_child(0)?.named_child(0),
        _ => body.named_child(0)?.named_child(0)?.child_by_field_name("arguments"),
    });
    let Some(holder) = holder else { return Vec::new() };
    let mut children: Vec<Node<'_>> = holder.children(&mut holder.walk()).skip(1).collect();
    children.pop();
    children
}

fn value_and_pattern(tree: &Tree) -> Vec<Node<'_>> {
    let found = body(tree).and_then(|body| {
        let matched = body.named_child(0)?.named_child(0)?;
        let arm = matched.child_by_field_name("body")?.named_child(0)?;
        Some(vec![matched.child_by_field_name("value")?, arm.child_by_field_name("pattern")?])
    });
    found.unwrap_or_default()
}

/// The tokens of one macro's call, or of a part of it.
struct Tokens<'a> {
    text: &'a str,
    start: usize,
    delimiter: u8,
    /// Last name of the macro.
    macro_name: &'a str,
}

/// The syntax of the last of `nodes` when it holds the tokens of a macro's call.
pub(crate) fn embedding(
    parser: &mut EmbeddedParser<'_>,
    text: &str,
    nodes: &[SyntaxNode],
) -> Option<Embedded> {
    let (last, before) = nodes.split_last()?;
    if last.kind != "token_tree" {
        return None;
    }
    let (start, end) = (last.span.start as usize + 1, (last.span.end as usize).checked_sub(1)?);
    let invocation = invocation(nodes, last.parent)?;
    let tokens = Tokens {
        text: text.get(start..end)?,
        start,
        delimiter: *text.as_bytes().get(start - 1)?,
        macro_name: macro_name(text, nodes, invocation)?,
    };
    if QUOTES.contains(&tokens.macro_name) || tokens.text.trim().is_empty() {
        return None;
    }
    if invocation != last.parent {
        // `else` is no keyword among tokens, but a name.
        let previous = before.last()?;
        let spelled = text.get(previous.span.start as usize..previous.span.end as usize)?;
        let previous = if previous.kind == "identifier" { spelled } else { previous.kind };
        return tokens.part(parser, previous);
    }
    let outside = nodes.get(nodes.get(invocation)?.parent)?.kind;
    tokens.whole(parser, matches!(outside, "source_file" | "declaration_list" | ITEMS))
}

/// The macro's call in whose tokens the node below `parent` lies.
fn invocation(nodes: &[SyntaxNode], parent: NodeIndex) -> Option<NodeIndex> {
    let mut current = parent;
    for _ in 0..MAX_TOKEN_TREES {
        let node = nodes.get(current)?;
        match node.kind {
            "macro_invocation" => return Some(current),
            "token_tree" => current = node.parent,
            _ => return None,
        }
    }
    None
}

fn macro_name<'a>(text: &'a str, nodes: &[SyntaxNode], invocation: NodeIndex) -> Option<&'a str> {
    let path = nodes.get(invocation + 1)?.span;
    let path = text.get(path.start as usize..path.end as usize)?;
    path.rsplit("::").next().map(|name| name.trim_start_matches("r#"))
}

impl Tokens<'_> {
    /// The tokens of a whole call; `among_items` when it stands where only items can.
    fn whole(&self, parser: &mut EmbeddedParser<'_>, among_items: bool) -> Option<Embedded> {
        if BRANCHES.contains(&self.macro_name) {
            return None;
        }
        if MATCHES.contains(&self.macro_name) {
            return self.value_and_pattern(parser);
        }
        if self.delimiter == b'{' {
            return self.statements(parser, among_items).or_else(|| self.arguments(parser));
        }
        let array = |parser: &mut EmbeddedParser<'_>| self.parse(parser, &ARRAY, self.text, ARGUMENTS);
        let arguments = self.arguments(parser);
        arguments.or_else(|| array(parser)).or_else(|| self.statements(parser, among_items))
    }

    /// The tokens between braces inside of those of a call: the branches of `cfg_if!`, the arms of `select!`.
    fn part(&self, parser: &mut EmbeddedParser<'_>, previous: &str) -> Option<Embedded> {
        let branch = BRANCHES.contains(&self.macro_name) && matches!(previous, "else" | "]" | "=>");
        if self.delimiter != b'{' || !(branch || previous == "=>") {
            return None;
        }
        self.statements(parser, false)
    }

    fn arguments(&self, parser: &mut EmbeddedParser<'_>) -> Option<Embedded> {
        let mut embedded = self.parse(parser, &CALL, self.text, ARGUMENTS)?;
        if let Some(position) = formats::format_argument(self.macro_name) {
            let roots = (embedded.roots)(&embedded.tree);
            let shown = roots.iter().filter(|root| root.is_named() && !root.is_extra()).nth(position);
            embedded.names = shown.map(|&shown| self.names_in(shown)).unwrap_or_default();
        }
        Some(embedded)
    }

    /// The names in the places of a format string.
    fn names_in(&self, literal: Node<'_>) -> Vec<Span> {
        let mut names = Vec::new();
        for part in literal.children(&mut literal.walk()).filter(|part| part.kind() == "string_content") {
            let start = part.start_byte() - CALL.before.len();
            let Some(text) = self.text.get(start..part.end_byte() - CALL.before.len()) else { continue };
            let place = |at: usize| (self.start + start + at) as u32;
            names.extend(
                formats::names(text).map(|name| Span { start: place(name.start), end: place(name.end) }),
            );
        }
        names
    }

    /// Statements, or items only.
    fn statements(&self, parser: &mut EmbeddedParser<'_>, among_items: bool) -> Option<Embedded> {
        let mut embedded = self.parse(parser, &BLOCK, self.text, STATEMENTS)?;
        if (embedded.roots)(&embedded.tree).iter().all(is_item) {
            embedded.kind = ITEMS;
        } else if among_items {
            return None;
        }
        Some(embedded)
    }

    /// `value, pattern`: the comma between them is read as the brace of a `match`.
    fn value_and_pattern(&self, parser: &mut EmbeddedParser<'_>) -> Option<Embedded> {
        let text = self.text.trim_end().trim_end_matches(',');
        let mut depth = 0_i32;
        let comma = text.bytes().position(|byte| {
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth -= 1,
                _ => {}
            }
            depth == 0 && byte == b','
        })?;
        let (value, pattern) = (text.get(..comma)?, text.get(comma + 1..)?);
        self.parse(parser, &ARM, &format!("{value}{{{pattern}"), MATCH)
    }

    fn parse(
        &self,
        parser: &mut EmbeddedParser<'_>,
        around: &Surroundings,
        tokens: &str,
        kind: &'static str,
    ) -> Option<Embedded> {
        let text = [around.before, tokens, around.after].concat();
        let tree = parser.parse(&text)?;
        let root = tree.root_node();
        // Tokens that close the text around them are not in it.
        if root.has_error() || root.named_child_count() != 1 || (around.roots)(&tree).is_empty() {
            return None;
        }
        let shift = self.start as i64 - around.before.len() as i64;
        Some(Embedded { tree, roots: around.roots, shift, kind, names: Vec::new() })
    }
}

fn is_item(node: &Node<'_>) -> bool {
    node.is_extra()
        || (node.kind().ends_with("_item") || node.kind() == "macro_invocation")
        || matches!(
            node.kind(),
            "macro_definition" | "use_declaration" | "extern_crate_declaration" | "empty_statement"
        )
        || (node.kind() == "expression_statement"
            && node.named_child(0).is_some_and(|child| child.kind() == "macro_invocation"))
}
