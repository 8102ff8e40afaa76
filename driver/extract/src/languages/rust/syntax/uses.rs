//! `use` declarations, `mod` files and `extern crate`: what they bind and which module they name.

use super::{Analysis, Context, Role};
use crate::lexical::{Barrier, BindingKind, Import, ImportKind, Namespace, ScopeIndex};
use crate::tree::NodeIndex;

/// What an import declares: its target decides what that is.
const IMPORTED: (BindingKind, Namespace) = (BindingKind::Import, Namespace::Any);

/// How many names a path may have for its module to be told: the leaves of a deep tree would otherwise have names of the
/// length of the tree, each of them.
const MAX_SEGMENTS: usize = 128;
/// How many nodes may lie around a declaration for its module to be found.
const MAX_AROUND: usize = 4096;

/// One leaf of a `use` tree.
struct Leaf<'s> {
    node: NodeIndex,
    /// Segments in front of the leaf's last name; none when they are too many.
    prefix: Option<Vec<&'s str>>,
    name: Option<&'s str>,
    name_node: Option<NodeIndex>,
    alias: Option<NodeIndex>,
}

/// The segments before the nodes of a `use` tree, each with the place here of the one before it.
#[derive(Default)]
struct Prefixes<'s>(Vec<(Option<usize>, &'s str)>);

impl<'s> Prefixes<'s> {
    fn extend(
        &mut self,
        prefix: Option<usize>,
        segments: impl IntoIterator<Item = (NodeIndex, &'s str)>,
    ) -> Option<usize> {
        segments.into_iter().fold(prefix, |before, (_, text)| {
            self.0.push((before, text));
            Some(self.0.len() - 1)
        })
    }

    /// The segments up to a place; none when they are too many.
    fn up_to(&self, prefix: Option<usize>) -> Option<Vec<&'s str>> {
        let at = |place: usize| self.0.get(place).copied();
        let mut found: Vec<&str> =
            std::iter::successors(prefix.and_then(at), |&(before, _)| before.and_then(at))
                .map(|(_, text)| text)
                .take(MAX_SEGMENTS + 1)
                .collect();
        found.reverse();
        (found.len() <= MAX_SEGMENTS).then_some(found)
    }
}

impl<'s> Analysis<'_, 's, '_> {
    /// Imports, whose parts are no uses of names. Returns the context of the children; none for other nodes.
    pub(super) fn import_form(&mut self, index: NodeIndex, kind: &str, context: Context) -> Option<Context> {
        match kind {
            "use_declaration" => {
                self.use_declaration(index, self.tree.child_by_field(index, "argument")?, context)
            }
            "extern_crate_declaration" => self.extern_crate(index, context),
            _ => return None,
        }
        Some(context.with(Role::Skip))
    }

    fn use_declaration(&mut self, index: NodeIndex, argument: NodeIndex, context: Context) {
        let tree = self.tree;
        // Work list instead of recursion: nesting in a source file is unbounded.
        let mut pending: Vec<(NodeIndex, Option<usize>)> = vec![(argument, None)];
        let mut prefixes = Prefixes::default();
        let mut leaves = Vec::new();
        while let Some((node, prefix)) = pending.pop() {
            self.use_tree((node, prefix), &mut prefixes, &mut pending, &mut leaves);
        }
        leaves.sort_by_key(|leaf| tree.span(leaf.node));
        let relative = |leaf: &Leaf<'_>| leaf.prefix.as_deref().is_some_and(is_relative);
        let inside = if leaves.iter().any(relative) { self.module_path(index) } else { None };
        for leaf in leaves {
            self.use_leaf(leaf, inside.as_deref(), context);
        }
    }

    /// Expands one node of a `use` tree.
    fn use_tree(
        &self,
        (node, prefix): (NodeIndex, Option<usize>),
        prefixes: &mut Prefixes<'s>,
        pending: &mut Vec<(NodeIndex, Option<usize>)>,
        leaves: &mut Vec<Leaf<'s>>,
    ) {
        let tree = self.tree;
        match tree.kind(node) {
            "use_list" => {
                pending.extend(tree.named_children(node).map(|child| (child, prefix)));
            }
            "scoped_use_list" => {
                let path = tree.child_by_field(node, "path").map(|path| self.segments(path));
                let prefix = prefixes.extend(prefix, path.unwrap_or_default());
                if let Some(list) = tree.child_by_field(node, "list") {
                    pending.push((list, prefix));
                }
            }
            "use_wildcard" => {
                let path = tree.named_children(node).next().map(|path| self.segments(path));
                let prefix = prefixes.extend(prefix, path.unwrap_or_default());
                let prefix = prefixes.up_to(prefix);
                leaves.push(Leaf { node, prefix, name: None, name_node: None, alias: None });
            }
            "use_as_clause" => {
                let alias = tree.child_by_field(node, "alias");
                if let Some(path) = tree.child_by_field(node, "path") {
                    leaves.push(self.path_leaf((node, alias), path, prefix, prefixes));
                }
            }
            "identifier" | "scoped_identifier" | "self" | "crate" | "super" => {
                leaves.push(self.path_leaf((node, None), node, prefix, prefixes));
            }
            _ => {}
        }
    }

    fn path_leaf(
        &self,
        (node, alias): (NodeIndex, Option<NodeIndex>),
        path: NodeIndex,
        prefix: Option<usize>,
        prefixes: &mut Prefixes<'s>,
    ) -> Leaf<'s> {
        let mut segments = self.segments(path);
        let last = segments.pop();
        let mut prefix = prefixes.extend(prefix, segments);
        let mut name = last.map(|(_, name)| name);
        // `a::{self}` imports `a`.
        if let Some((before, text)) = prefix.and_then(|place| prefixes.0.get(place)).copied()
            && name == Some("self")
        {
            (prefix, name) = (before, Some(text));
        }
        let name_node = last.map(|(name_node, _)| name_node);
        Leaf { node, prefix: prefixes.up_to(prefix), name, name_node, alias }
    }

    /// The segments of a path, first to last.
    fn segments(&self, path: NodeIndex) -> Vec<(NodeIndex, &'s str)> {
        let tree = self.tree;
        let mut segments = Vec::new();
        let mut current = Some(path);
        while let Some(node) = current {
            if tree.kind(node) == "scoped_identifier" {
                if let Some(name) = tree.child_by_field(node, "name") {
                    segments.push((name, self.name(name)));
                }
                current = tree.child_by_field(node, "path");
            } else {
                segments.push((node, self.name(node)));
                current = None;
            }
        }
        segments.reverse();
        segments
    }

    fn use_leaf(&mut self, leaf: Leaf<'s>, inside: Option<&[String]>, context: Context) {
        let tree = self.tree;
        let bound = leaf.alias.or(leaf.name_node);
        // A path head such as `crate` cannot be bound under its own name; `_` binds nothing.
        let bound = bound.filter(|&name| !matches!(tree.text(name), "_" | "crate" | "super"));
        let binding = bound.and_then(|name| {
            let text = match leaf.alias {
                Some(alias) => self.name(alias),
                None => leaf.name?,
            };
            Some(self.bind_as(name, (name, text), context.items, IMPORTED, context.enclosing))
        });
        let prefix = leaf.prefix.as_deref().unwrap_or_default();
        if leaf.name.is_none() && prefix == ["super"] {
            self.see_parent(context.items);
        }
        let level = prefix.iter().filter(|&&segment| segment == "super").count() as i32;
        self.facts.imports.push(Import {
            node: leaf.node,
            binding,
            kind: ImportKind::Use,
            module: absolute(prefix, inside),
            raw_module: (!prefix.is_empty()).then(|| prefix.join("::")),
            level,
            name: leaf.name,
            alias: leaf.alias.map(|alias| self.name(alias)),
            is_star: leaf.name.is_none(),
            target: None,
            bound: None,
        });
    }

    /// `use super::*` in an inline module: lookups that leave it reach the module around it.
    fn see_parent(&mut self, scope: ScopeIndex) {
        if let Some(module) = self.facts.scopes.get_mut(scope).filter(|scope| scope.parent.is_some()) {
            module.barrier = Barrier::None;
        }
    }

    fn extern_crate(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(name) = tree.child_by_field(index, "name") else { return };
        let alias = tree.child_by_field(index, "alias");
        let bound = alias.unwrap_or(name);
        let binding = self.bind(bound, bound, context.items, IMPORTED, context.enclosing);
        self.facts.imports.push(Import {
            node: index,
            binding: Some(binding),
            kind: ImportKind::ExternCrate,
            module: Some(self.name(name).to_owned()),
            raw_module: Some(self.name(name).to_owned()),
            level: 0,
            name: None,
            alias: alias.map(|alias| self.name(alias)),
            is_star: false,
            target: None,
            bound: None,
        });
    }

    /// The segments of the module that contains the node: the file's module and the inline `mod`s around;
    /// none when the file's module is unknown, or too much is around the node.
    fn module_path(&self, index: NodeIndex) -> Option<Vec<String>> {
        let module = self.module?;
        let tree = self.tree;
        let mut inner = Vec::new();
        let mut current = tree.parent(index);
        for _ in 0..MAX_AROUND {
            let Some(node) = current else { break };
            if tree.kind(node) == "mod_item" {
                inner.extend(tree.child_by_field(node, "name").map(|name| self.name(name).to_owned()));
            }
            current = tree.parent(node);
        }
        let mut path: Vec<String> = module.name.split("::").map(str::to_owned).collect();
        path.extend(inner.into_iter().rev());
        (current.is_none() && path.len() <= MAX_SEGMENTS).then_some(path)
    }

    /// The absolute name of the module that `mod name;` at `index` refers to.
    pub(super) fn module_below(&self, index: NodeIndex, name: &str) -> Option<String> {
        Some(format!("{}::{name}", self.module_path(index)?.join("::")))
    }
}

/// Whether a path begins at the module it stands in.
fn is_relative(prefix: &[&str]) -> bool {
    matches!(prefix.first(), Some(&("self" | "super")))
}

/// The absolute module of a path: `crate`, `self` and `super` are resolved, other heads stay (they name a
/// crate, or an item in scope). None when the path leaves the crate or the file's module is unknown.
fn absolute(prefix: &[&str], inside: Option<&[String]>) -> Option<String> {
    if !is_relative(prefix) {
        return (!prefix.is_empty()).then(|| prefix.join("::"));
    }
    let mut path: Vec<&str> = inside?.iter().map(String::as_str).collect();
    for &segment in prefix {
        match segment {
            "self" => {}
            "super" => {
                path.pop();
            }
            other => path.push(other),
        }
    }
    (!path.is_empty()).then(|| path.join("::"))
}

#[cfg(test)]
mod tests {
    use super::absolute;

    #[test]
    fn relative_heads_resolve_against_the_module() {
        let inside: Vec<String> = ["crate", "a", "b"].map(str::to_owned).to_vec();
        assert_eq!(absolute(&["super", "c"], Some(&inside)).as_deref(), Some("crate::a::c"));
        assert_eq!(absolute(&["self"], Some(&inside)).as_deref(), Some("crate::a::b"));
        assert_eq!(absolute(&["super", "super", "super"], Some(&inside)), None);
        assert_eq!(absolute(&["std", "io"], None).as_deref(), Some("std::io"));
        assert_eq!(absolute(&["super"], None), None);
    }
}
