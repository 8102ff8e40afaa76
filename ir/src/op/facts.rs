//! What is true of an operation: one row each, then the expressions and columns in it.
//!
//! Passes, verifier and text form ask here. What only one of them wants to know of an operation stands with it, as a match
//! without an arm for all others.

use super::{Arity, Evaluation, ExprField, ExprUse, Op};
use crate::expr::{NamedExprs, ScalarExpr};
use crate::phase::Phase;

/// What is true of an operation whatever it computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The keyword in the text form.
    pub keyword: &'static str,
    /// How many inputs it takes.
    pub arity: Arity,
    /// The first and the last phase in which it may stand.
    pub phases: (Phase, Phase),
    /// Whether it passes rows on as they come, and costs next to nothing while its expressions do.
    pub streams: bool,
    /// What a row costs in it, in units of one row passing one simple operator.
    pub weight: u64,
    /// How often it reads an input.
    pub reads: Reads,
}

/// How often an operation reads each of its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Once.
    Once,
    /// As often as its query names it.
    AsNamed,
}

impl Op {
    /// What is true of the operation.
    #[must_use]
    pub fn facts(&self) -> Facts {
        use Phase::{Bound, Core, Lowered, Resolved, Scheduled};
        let one = Arity::Exactly(1);
        let (streams, costs, once) = (true, false, Reads::Once);
        let (keyword, arity, phases, streams, weight, reads) = match self {
            // Names of tables.
            Self::Input(_) => ("input", Arity::Exactly(0), (Lowered, Lowered), costs, 1, once),
            Self::ChangeFeed(_) => ("change_feed", one, (Lowered, Lowered), costs, 1, once),
            Self::TableMetadata(_) => ("table_metadata", one, (Lowered, Lowered), costs, 1, once),
            Self::FileManifest(_) => ("file_manifest", one, (Lowered, Lowered), costs, 1, once),
            // Surface operations.
            Self::Normalize(_) => ("normalize", one, (Lowered, Bound), costs, 1, once),
            Self::Relate(_) => ("relate", Arity::Exactly(2), (Lowered, Bound), costs, 1, once),
            Self::UnionByName(_) => ("union_by_name", Arity::AtLeast(2), (Lowered, Bound), costs, 1, once),
            Self::Conform(_) => ("conform", Arity::AtLeast(1), (Lowered, Bound), costs, 1, once),
            // Core operations.
            Self::Scan(_) => ("scan", Arity::Exactly(0), (Resolved, Scheduled), streams, 1, once),
            Self::Filter(_) => ("filter", one, (Lowered, Scheduled), streams, 1, once),
            Self::Project(_) => ("project", one, (Lowered, Scheduled), streams, 1, once),
            Self::Aggregate(_) => ("aggregate", one, (Lowered, Scheduled), costs, 4, once),
            Self::Window(_) => ("window", one, (Lowered, Scheduled), costs, 6, once),
            Self::Unnest(_) => ("unnest", one, (Lowered, Scheduled), costs, 1, once),
            Self::Query(query) => (
                "query",
                Arity::Exactly(query.relations.len()),
                (Lowered, Scheduled),
                costs,
                6,
                Reads::AsNamed,
            ),
            Self::Join(_) => ("join", Arity::Exactly(2), (Core, Scheduled), costs, 4, once),
            Self::SpanJoin(_) => ("span_join", Arity::Exactly(2), (Core, Scheduled), costs, 6, once),
            Self::Union(_) => ("union", Arity::AtLeast(2), (Core, Scheduled), costs, 1, once),
            Self::Distinct(_) => ("distinct", one, (Core, Scheduled), costs, 4, once),
            Self::Sink(_) => ("sink", one, (Lowered, Scheduled), costs, 4, once),
            // Checks.
            Self::Check(_) => ("check", one, (Lowered, Scheduled), costs, 1, once),
            Self::Written(_) => ("written", one, (Lowered, Scheduled), costs, 1, once),
        };
        Facts { keyword, arity, phases, streams, weight, reads }
    }

    /// The keyword of the operation in the text form.
    #[must_use]
    pub fn keyword(&self) -> &'static str {
        self.facts().keyword
    }

    /// How many inputs the operation takes.
    #[must_use]
    pub fn arity(&self) -> Arity {
        self.facts().arity
    }

    /// Whether the operation is allowed in a phase.
    #[must_use]
    pub fn allowed_in(&self, phase: Phase) -> bool {
        let (first, last) = self.facts().phases;
        let everything = matches!(self, Self::Project(project) if project.columns.is_empty());
        first <= phase && phase <= last && !(everything && phase >= Phase::Core)
    }

    /// Whether the operation is surface syntax: its meaning is the core operations it expands to.
    #[must_use]
    pub fn is_surface(&self) -> bool {
        !self.allowed_in(Phase::Core)
    }

    /// The expressions of the operation, in order. A query's expressions are not among them: they may read
    /// several relations and are the query's own business.
    #[must_use]
    pub fn expressions(&self) -> Vec<ExprUse<'_>> {
        fn columns<'a>(
            list: &'a NamedExprs,
            evaluation: Evaluation,
            field: fn(usize, &'a str) -> ExprField<'a>,
        ) -> impl Iterator<Item = ExprUse<'a>> {
            list.iter().enumerate().map(move |(index, named)| ExprUse {
                field: field(index, &named.name),
                evaluation,
                expr: &named.expr,
            })
        }
        match self {
            Self::Filter(filter) => vec![ExprUse {
                field: ExprField::Predicate,
                evaluation: Evaluation::Scalar,
                expr: &filter.predicate,
            }],
            Self::Project(project) => {
                columns(&project.columns, Evaluation::Scalar, ExprField::Column).collect()
            }
            Self::Window(window) => columns(&window.columns, Evaluation::Window, ExprField::Column).collect(),
            Self::Aggregate(aggregate) => {
                columns(&aggregate.group_by, Evaluation::Scalar, ExprField::GroupBy)
                    .chain(columns(&aggregate.measures, Evaluation::Aggregate, ExprField::Measure))
                    .collect()
            }
            Self::Input(_)
            | Self::ChangeFeed(_)
            | Self::TableMetadata(_)
            | Self::FileManifest(_)
            | Self::Normalize(_)
            | Self::Relate(_)
            | Self::UnionByName(_)
            | Self::Conform(_)
            | Self::Scan(_)
            | Self::Unnest(_)
            | Self::Query(_)
            | Self::Join(_)
            | Self::SpanJoin(_)
            | Self::Union(_)
            | Self::Distinct(_)
            | Self::Sink(_)
            | Self::Check(_)
            | Self::Written(_) => Vec::new(),
        }
    }

    /// The expressions of the operation, for rewriting.
    pub fn expressions_mut(&mut self) -> Vec<&mut ScalarExpr> {
        fn columns(list: &mut NamedExprs) -> impl Iterator<Item = &mut ScalarExpr> {
            list.0.iter_mut().map(|named| &mut named.expr)
        }
        match self {
            Self::Filter(filter) => vec![&mut filter.predicate],
            Self::Project(project) => columns(&mut project.columns).collect(),
            Self::Window(window) => columns(&mut window.columns).collect(),
            Self::Aggregate(aggregate) => {
                columns(&mut aggregate.group_by).chain(columns(&mut aggregate.measures)).collect()
            }
            Self::Input(_)
            | Self::ChangeFeed(_)
            | Self::TableMetadata(_)
            | Self::FileManifest(_)
            | Self::Normalize(_)
            | Self::Relate(_)
            | Self::UnionByName(_)
            | Self::Conform(_)
            | Self::Scan(_)
            | Self::Unnest(_)
            | Self::Query(_)
            | Self::Join(_)
            | Self::SpanJoin(_)
            | Self::Union(_)
            | Self::Distinct(_)
            | Self::Sink(_)
            | Self::Check(_)
            | Self::Written(_) => Vec::new(),
        }
    }

    /// The columns passed through by name that the operation itself reads from input `port`, beside those of
    /// its expressions.
    #[must_use]
    pub fn column_uses(&self, port: usize) -> Vec<&str> {
        match self {
            Self::Join(join) => join.on.iter().map(|pair| side(pair, port)).collect(),
            Self::SpanJoin(join) => {
                let bounds = if port == 0 { &join.left } else { &join.right };
                join.on.iter().map(|pair| side(pair, port)).chain(bounds.iter().map(String::as_str)).collect()
            }
            Self::Unnest(unnest) => vec![&unnest.column],
            Self::Input(_)
            | Self::ChangeFeed(_)
            | Self::TableMetadata(_)
            | Self::FileManifest(_)
            | Self::Normalize(_)
            | Self::Relate(_)
            | Self::UnionByName(_)
            | Self::Conform(_)
            | Self::Scan(_)
            | Self::Filter(_)
            | Self::Project(_)
            | Self::Aggregate(_)
            | Self::Window(_)
            | Self::Query(_)
            | Self::Union(_)
            | Self::Distinct(_)
            | Self::Sink(_)
            | Self::Check(_)
            | Self::Written(_) => Vec::new(),
        }
    }
}

fn side(pair: &(String, String), port: usize) -> &str {
    if port == 0 { &pair.0 } else { &pair.1 }
}
