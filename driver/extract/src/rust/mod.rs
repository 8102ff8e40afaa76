//! Rust front end.
use crate::language::{FileContext, FrontEnd};
use crate::lexical::Facts;
use crate::tree::{NodeIndex, SyntaxTree};
/// The Rust front end.
pub(crate) struct Rust;
impl FrontEnd for Rust {
    fn facts<'s>(&self, _tree: &SyntaxTree<'s>, _file: &FileContext<'_>) -> Facts<'s> { Facts::default() }
    fn definition_name(&self, _tree: &SyntaxTree<'_>, _index: NodeIndex) -> Option<NodeIndex> { None }
}
