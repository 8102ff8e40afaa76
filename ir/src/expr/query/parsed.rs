//! A parsed query with what was found out about it.
//!
//! Every pass asks the same of every query: what it reads, how often, whether it is equal to another. Each answer
//! takes a walk over the whole tree, and trees do not change, so an answer is found once, when it is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::OnceLock;

use sqlparser::ast::{self, Ident, SelectFlavor, SelectItem};
use sqlparser::dialect::GenericDialect;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, Tokenizer};

use super::super::syntax::exact;
use super::super::{normalize, placeholder, walk};
use super::{TIMES_COMPARED, scopes};
use crate::hash::{ContentHash, digest};

/// A tree, and the answers that were found.
pub(super) struct Parsed {
    tree: ast::Query,
    digest: OnceLock<ContentHash>,
    text: OnceLock<String>,
    reads: OnceLock<BTreeMap<String, usize>>,
    reads_at_most: OnceLock<BTreeMap<String, usize>>,
    names: OnceLock<Option<BTreeSet<String>>>,
    placeholders: OnceLock<BTreeSet<String>>,
}

impl Parsed {
    pub(super) fn new(tree: ast::Query) -> Self {
        Self {
            tree,
            digest: OnceLock::new(),
            text: OnceLock::new(),
            reads: OnceLock::new(),
            reads_at_most: OnceLock::new(),
            names: OnceLock::new(),
            placeholders: OnceLock::new(),
        }
    }

    pub(super) fn tree(&self) -> &ast::Query {
        &self.tree
    }

    /// The canonical text.
    pub(super) fn text(&self) -> &str {
        self.text.get_or_init(|| exact::print(&self.tree))
    }

    /// See [`super::Query::reference_counts`].
    pub(super) fn reads(&self) -> &BTreeMap<String, usize> {
        self.reads.get_or_init(|| reads(scopes::outside(&self.tree)))
    }

    /// See [`super::Query::reference_counts_at_most`].
    pub(super) fn reads_at_most(&self) -> &BTreeMap<String, usize> {
        self.reads_at_most.get_or_init(|| reads(scopes::at_most(&self.tree, TIMES_COMPARED).0))
    }

    /// See [`super::Query::mentioned_names`].
    pub(super) fn names(&self) -> Option<&BTreeSet<String>> {
        self.names.get_or_init(|| names(&self.tree, self.text())).as_ref()
    }

    /// See [`super::Query::placeholders`].
    pub(super) fn placeholders(&self) -> &BTreeSet<String> {
        self.placeholders.get_or_init(|| {
            let mut found = BTreeSet::new();
            walk::expressions(&self.tree, |expr| found.extend(placeholder(expr).map(str::to_owned)));
            found
        })
    }
}

impl PartialEq for Parsed {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || self.tree == other.tree
    }
}

impl Eq for Parsed {}

impl Hash for Parsed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.get_or_init(|| digest(&self.tree)).hash(state);
    }
}

fn reads(outside: BTreeMap<String, scopes::Outside>) -> BTreeMap<String, usize> {
    outside.into_iter().map(|(name, outside)| (name, outside.reads)).collect()
}

fn names(tree: &ast::Query, text: &str) -> Option<BTreeSet<String>> {
    if walk::visit(tree, &mut Wildcards).is_break() {
        return None;
    }
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize().ok()?;
    let mut names = BTreeSet::new();
    for token in tokens {
        let Token::Word(word) = token else { continue };
        if matches!(word.keyword, Keyword::NATURAL | Keyword::TABLE | Keyword::PIVOT | Keyword::UNPIVOT) {
            return None;
        }
        names.insert(normalize(&Ident {
            value: word.value,
            quote_style: word.quote_style,
            span: Span::empty(),
        }));
    }
    Some(names)
}

/// Stops at a selection of columns without their names.
struct Wildcards;

impl ast::Visitor for Wildcards {
    type Break = ();

    fn pre_visit_select(&mut self, select: &ast::Select) -> ControlFlow<()> {
        let wildcard = select
            .projection
            .iter()
            .any(|item| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)));
        if wildcard || select.flavor == SelectFlavor::FromFirstNoSelect {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}
