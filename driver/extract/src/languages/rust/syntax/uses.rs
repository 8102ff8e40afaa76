//! `use` declarations, `mod` files and `extern crate`: what they bind and which module they name.

use super::{Analysis, Context, Role};
use crate::lexical::{Barrier, BindingKind, Import, ImportKind, Namespace, ScopeIndex};
use crate::tree::NodeIndex;

/// What an import declares: its target decides what that is.
const IMPORTED: (BindingKind, Namespace) = (BindingKind::Import, Namespace::Any);

/// One leaf of a `use` tree.
struct Leaf<'s> {
    node: NodeIndex,
    /// Segments in front of the leaf's last name.
    prefix: Vec<&'s str>,
    name: Option<&'s str>,
    name_node: Option<NodeIndex>,
    alias: Option<NodeIndex>,
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
        let inside = self.module_path(index);
        // Work list instead of recursion: nesting in a source file is unbounded.
        let mut pending: Vec<(NodeIndex, Vec<&'s str>)> = vec![(argument, Vec::new())];
        let mut leaves = Vec::new();
        while let Some((node, prefix)) = pending.pop() {
            self.use_tree(node, prefix, &mut pending, &mut leaves);
        }
        leaves.sort_by_key(|leaf| tree.span(leaf.node));
        for leaf in leaves {
            self.use_leaf(leaf, &inside, context);
        }
    }

    /// Expands one node of a `use` tree.
    fn use_tree(
        &self,
        node: NodeIndex,
        prefix: Vec<&'s str>,
        pending: &mut Vec<(NodeIndex, Vec<&'s str>)>,
        leaves: &mut Vec<Leaf<'s>>,
    ) {
        let tree = self.tree;
        match tree.kind(node) {
            "use_list" => {
                pending.extend(tree.named_children(node).map(|child| (child, prefix.clone())));
            }
            "scoped_use_list" => {
                let mut prefix = prefix;
                if let Some(path) = tree.child_by_field(node, "path") {
                    prefix.extend(self.segments(path).iter().map(|&(_, text)| text));
                }
                if let Some(list) = tree.child_by_field(node, "list") {
                    pending.push((list, prefix));
                }
            }
            "use_wildcard" => {
                let mut prefix = prefix;
                if let Some(path) = tree.named_children(node).next() {
                    prefix.extend(self.segments(path).iter().map(|&(_, text)| text));
                }
                leaves.push(Leaf { node, prefix, name: None, name_node: None, alias: None });
            }
            "use_as_clause" => {
                let alias = tree.child_by_field(node, "alias");
                if let Some(path) = tree.child_by_field(node, "path") {
                    leaves.push(self.path_leaf(node, path, prefix, alias));
                }
            }
            "identifier" | "scoped_identifier" | "self" | "crate" | "super" => {
                leaves.push(self.path_leaf(node, node, prefix, None));
            }
            _ => {}
        }
    }

    fn path_leaf(
        &self,
        node: NodeIndex,
        path: NodeIndex,
        mut prefix: Vec<&'s str>,
        alias: Option<NodeIndex>,
    ) -> Leaf<'s> {
        let mut segments = self.segments(path);
        let last = segments.pop();
        prefix.extend(segments.iter().map(|&(_, text)| text));
        match last {
            // `a::{self}` imports `a`.
            Some((name_node, "self")) if !prefix.is_empty() => {
                let name = prefix.pop();
                Leaf { node, prefix, name, name_node: Some(name_node), alias }
            }
            Some((name_node, name)) => {
                Leaf { node, prefix, name: Some(name), name_node: Some(name_node), alias }
            }
            None => Leaf { node, prefix, name: None, name_node: None, alias },
        }
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

    fn use_leaf(&mut self, leaf: Leaf<'s>, inside: &[String], context: Context) {
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
        if leaf.name.is_none() && leaf.prefix == ["super"] {
            self.see_parent(context.items);
        }
        let level = leaf.prefix.iter().filter(|&&segment| segment == "super").count() as i32;
        self.facts.imports.push(Import {
            node: leaf.node,
            binding,
            kind: ImportKind::Use,
            module: absolute(&leaf.prefix, inside),
            raw_module: (!leaf.prefix.is_empty()).then(|| leaf.prefix.join("::")),
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
    /// empty when the file's module is unknown.
    fn module_path(&self, index: NodeIndex) -> Vec<String> {
        let Some(module) = self.module else { return Vec::new() };
        let tree = self.tree;
        let mut inner = Vec::new();
        let mut current = tree.parent(index);
        while let Some(node) = current {
            if tree.kind(node) == "mod_item" {
                inner.extend(tree.child_by_field(node, "name").map(|name| self.name(name).to_owned()));
            }
            current = tree.parent(node);
        }
        let mut path: Vec<String> = module.name.split("::").map(str::to_owned).collect();
        path.extend(inner.into_iter().rev());
        path
    }

    /// The absolute name of the module that `mod name;` at `index` refers to.
    pub(super) fn module_below(&self, index: NodeIndex, name: &str) -> Option<String> {
        let path = self.module_path(index);
        (!path.is_empty()).then(|| format!("{}::{name}", path.join("::")))
    }
}

/// The absolute module of a path: `crate`, `self` and `super` are resolved, other heads stay (they name a
/// crate, or an item in scope). None when the path leaves the crate or the file's module is unknown.
fn absolute(prefix: &[&str], inside: &[String]) -> Option<String> {
    let relative = matches!(prefix.first(), Some(&("self" | "super")));
    if !relative {
        return (!prefix.is_empty()).then(|| prefix.join("::"));
    }
    let mut path: Vec<&str> = inside.iter().map(String::as_str).collect();
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
        assert_eq!(absolute(&["super", "c"], &inside).as_deref(), Some("crate::a::c"));
        assert_eq!(absolute(&["self"], &inside).as_deref(), Some("crate::a::b"));
        assert_eq!(absolute(&["super", "super", "super"], &inside), None);
        assert_eq!(absolute(&["std", "io"], &inside).as_deref(), Some("std::io"));
        assert_eq!(absolute(&["super"], &[]), None);
    }
}
