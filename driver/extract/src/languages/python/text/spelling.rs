//! Names that are compared by another text than the one written: Unicode normal forms and private names of classes.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfkc};

use crate::tree::{NodeIndex, RespelledNames, SyntaxTree};

/// The names of the file that are not compared as they are written (Python reference, 2.3 and 6.2.1.1).
pub(in crate::languages::python) fn respelled(tree: &SyntaxTree<'_>) -> RespelledNames {
    let mut names = RespelledNames::new();
    if tree.text.is_ascii() && !tree.text.contains("__") {
        return names;
    }
    let mut classes = Classes::default();
    for (index, node) in tree.nodes.iter().enumerate() {
        classes.enter(tree, index);
        if node.kind != "identifier" {
            continue;
        }
        let written = tree.text(index);
        let normal: Cow<'_, str> =
            if is_nfkc(written) { Cow::Borrowed(written) } else { Cow::Owned(written.nfkc().collect()) };
        let name = match classes.innermost() {
            Some(class) if is_private(&normal) => mangled(class, &normal),
            _ => normal,
        };
        if name != written {
            names.insert(index, name.into_owned());
        }
    }
    names
}

/// Whether a name belongs to the class in whose body it stands.
fn is_private(name: &str) -> bool {
    name.starts_with("__") && !name.ends_with("__")
}

/// The private name of a class; the name itself when the class's consists of underscores.
fn mangled<'n>(class: &str, name: &'n str) -> Cow<'n, str> {
    let class = class.trim_start_matches('_');
    if class.is_empty() { Cow::Borrowed(name) } else { Cow::Owned(format!("_{class}{name}")) }
}

/// The classes around a node, of those whose body it stands in.
#[derive(Default)]
struct Classes<'s> {
    /// Where the body ends, and the name.
    open: Vec<(NodeIndex, &'s str)>,
}

impl<'s> Classes<'s> {
    fn enter(&mut self, tree: &SyntaxTree<'s>, index: NodeIndex) {
        while self.open.last().is_some_and(|&(end, _)| end <= index) {
            self.open.pop();
        }
        let node = tree.node(index);
        if node.field == Some("body") && tree.kind(node.parent) == "class_definition" {
            let name = tree.child_by_field(node.parent, "name").map_or("", |name| tree.text(name));
            self.open.push((node.subtree_end, name));
        }
    }

    fn innermost(&self) -> Option<&'s str> {
        self.open.last().map(|&(_, name)| name)
    }
}
