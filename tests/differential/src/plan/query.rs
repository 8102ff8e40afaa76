//! Queries, and how they are written in SQL.

use std::fmt;

use super::{Aggregate, Expr, JoinKind, Measure, SortKey, WindowCall, WindowFunction};

/// A query of a `Sql` view.
#[derive(Clone, Debug)]
pub struct Query {
    /// Its rows.
    pub body: Body,
    /// Their order; by all columns where there is a limit.
    pub order: Vec<SortKey>,
    /// How many rows are left out, and how many taken.
    pub limit: Option<[usize; 2]>,
}

/// The rows of a query.
#[derive(Clone, Debug)]
pub enum Body {
    /// One SELECT.
    Select(Box<Select>),
    /// Two queries put together.
    Set(SetOperation, bool, Box<[Body; 2]>),
}

/// How two queries are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they have the names of SQL")]
pub enum SetOperation {
    Union,
    Intersect,
    Except,
}

/// A SELECT.
#[derive(Clone, Debug)]
pub struct Select {
    /// What is read.
    pub from: From,
    /// Which rows take part.
    pub filter: Option<Expr>,
    /// Whether they are grouped. Then the columns are those of the groups.
    pub group: Option<Group>,
    /// The columns, where they are not grouped.
    pub columns: Vec<(String, Expr)>,
    /// Columns of window functions, after the others.
    pub windows: Vec<(String, WindowCall)>,
    /// Whether equal rows are one.
    pub distinct: bool,
}

/// What a SELECT reads.
#[derive(Clone, Debug)]
pub enum From {
    /// A relation, called `o`.
    Relation(String),
    /// A join of two relations, called `l` and `r`.
    Join {
        /// Which rows are kept.
        kind: JoinKind,
        /// The relations.
        sides: [String; 2],
        /// Columns that must be equal.
        on: Vec<(String, String)>,
        /// What else must hold.
        residual: Option<Expr>,
    },
}

/// Keys and aggregates.
#[derive(Clone, Debug)]
pub struct Group {
    /// What rows are grouped by.
    pub keys: Vec<(String, Expr)>,
    /// What is computed of them.
    pub measures: Vec<(String, Measure)>,
    /// Which groups are kept; over the number of their rows.
    pub more_rows_than: Option<usize>,
}

impl Query {
    /// The relations it reads, those of subqueries among them.
    #[must_use]
    pub fn sources(&self) -> Vec<&str> {
        let mut sources = Vec::new();
        for select in self.body.selects() {
            match &select.from {
                From::Relation(name) => sources.push(name.as_str()),
                From::Join { sides, .. } => sources.extend(sides.iter().map(String::as_str)),
            }
        }
        let mut open = self.body.expressions();
        while let Some(expr) = open.pop() {
            if let Expr::Subquery(query) = expr {
                sources.push(&query.source);
            }
            open.extend(expr.operands());
        }
        sources
    }
}

impl Body {
    /// Every SELECT.
    #[must_use]
    pub fn selects(&self) -> Vec<&Select> {
        match self {
            Self::Select(select) => vec![select],
            Self::Set(_, _, parts) => parts.iter().flat_map(Self::selects).collect(),
        }
    }

    /// The expressions that it is written with, those of aggregates among them.
    #[must_use]
    pub fn expressions(&self) -> Vec<&Expr> {
        fn of_select(select: &Select) -> Vec<&Expr> {
            let residual = match &select.from {
                From::Join { residual, .. } => residual.as_ref(),
                From::Relation(_) => None,
            };
            let columns = select.columns.iter().map(|(_, expr)| expr);
            let groups = select.group.iter().flat_map(Group::expressions);
            select.filter.iter().chain(residual).chain(columns).chain(groups).collect()
        }
        self.selects().into_iter().flat_map(of_select).collect()
    }

    /// The names of the relations in FROM.
    pub(super) fn sources_mut(&mut self) -> Vec<&mut String> {
        match self {
            Self::Set(_, _, parts) => parts.iter_mut().flat_map(Self::sources_mut).collect(),
            Self::Select(select) => match &mut select.from {
                From::Relation(name) => vec![name],
                From::Join { sides, .. } => sides.iter_mut().collect(),
            },
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.body.fmt(f)?;
        if !self.order.is_empty() {
            write!(f, " ORDER BY {}", listed(&self.order))?;
        }
        match self.limit {
            Some([0, most]) => write!(f, " LIMIT {most}"),
            Some([skipped, most]) => write!(f, " LIMIT {most} OFFSET {skipped}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Select(select) => select.fmt(f),
            Self::Set(operation, all, parts) => {
                let word = match operation {
                    SetOperation::Union => "UNION",
                    SetOperation::Intersect => "INTERSECT",
                    SetOperation::Except => "EXCEPT",
                };
                write!(f, "({}) {word}{} ({})", parts[0], if *all { " ALL" } else { "" }, parts[1])
            }
        }
    }
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut columns: Vec<String> = match &self.group {
            Some(group) => group.columns(),
            None => self.columns.iter().map(|(name, expr)| format!("{expr} AS {name}")).collect(),
        };
        columns.extend(self.windows.iter().map(|(name, call)| format!("{call} AS {name}")));
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        write!(f, "SELECT {distinct}{} FROM {}", columns.join(", "), self.from)?;
        if let Some(filter) = &self.filter {
            write!(f, " WHERE {filter}")?;
        }
        if let Some(group) = &self.group {
            if !group.keys.is_empty() {
                let keys: Vec<String> = group.keys.iter().map(|(_, key)| key.to_string()).collect();
                write!(f, " GROUP BY {}", keys.join(", "))?;
            }
            if let Some(rows) = group.more_rows_than {
                write!(f, " HAVING count(*) > {rows}")?;
            }
        }
        Ok(())
    }
}

impl Group {
    /// Its keys, and the arguments and conditions of its aggregates.
    #[must_use]
    pub fn expressions(&self) -> Vec<&Expr> {
        let measures =
            self.measures.iter().flat_map(|(_, measure)| measure.argument.iter().chain(&measure.filter));
        self.keys.iter().map(|(_, key)| key).chain(measures).collect()
    }

    /// The names of its columns.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let measures = self.measures.iter().map(|(name, _)| name);
        self.keys.iter().map(|(name, _)| name).chain(measures).cloned().collect()
    }

    pub(super) fn columns(&self) -> Vec<String> {
        let keys = self.keys.iter().map(|(name, key)| format!("{key} AS {name}"));
        keys.chain(self.measures.iter().map(|(name, measure)| format!("{measure} AS {name}"))).collect()
    }
}

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relation(name) => write!(f, "{name} AS o"),
            Self::Join { kind, sides: [left, right], on, residual } => {
                let word = match kind {
                    JoinKind::Inner => "JOIN",
                    JoinKind::Left => "LEFT JOIN",
                    JoinKind::Right => "RIGHT JOIN",
                    JoinKind::Full => "FULL JOIN",
                    JoinKind::Semi => "LEFT SEMI JOIN",
                    JoinKind::Anti => "LEFT ANTI JOIN",
                };
                let mut conditions: Vec<String> = on.iter().map(|(a, b)| format!("l.{a} = r.{b}")).collect();
                conditions.extend(residual.iter().map(ToString::to_string));
                write!(f, "{left} AS l {word} {right} AS r ON {}", conditions.join(" AND "))
            }
        }
    }
}

/// Keys of an order, as SQL lists them.
#[must_use]
pub(super) fn listed(order: &[SortKey]) -> String {
    order.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl SortKey {
    /// The least value first, NULL last.
    #[must_use]
    pub fn ascending(column: &str) -> Self {
        Self { column: column.to_owned(), descending: false, nulls_first: false }
    }
}

impl fmt::Display for SortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.descending { "DESC" } else { "ASC" };
        let nulls = if self.nulls_first { "FIRST" } else { "LAST" };
        write!(f, "{} {direction} NULLS {nulls}", self.column)
    }
}

impl Aggregate {
    /// Its name in SQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::Avg => "avg",
            Self::BoolAnd => "bool_and",
            Self::BoolOr => "bool_or",
            Self::ArrayAgg => "array_agg",
            Self::ArrayAggSorted => "array_agg_sorted",
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let argument = self.argument.as_ref().map_or_else(|| "*".to_owned(), ToString::to_string);
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let order =
            if self.order.is_empty() { String::new() } else { format!(" ORDER BY {}", listed(&self.order)) };
        // Queries have the function that other engines know, too.
        let name =
            if self.function.makes_lists() { Aggregate::ArrayAgg.name() } else { self.function.name() };
        write!(f, "{name}({distinct}{argument}{order})")?;
        self.filter.as_ref().map_or(Ok(()), |filter| write!(f, " FILTER (WHERE {filter})"))
    }
}

impl fmt::Display for WindowCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.function {
            WindowFunction::RowNumber => "row_number",
            WindowFunction::Rank => "rank",
            WindowFunction::DenseRank => "dense_rank",
            WindowFunction::Lag => "lag",
            WindowFunction::Lead => "lead",
            WindowFunction::FirstValue => "first_value",
            WindowFunction::LastValue => "last_value",
            WindowFunction::Sum => "sum",
            WindowFunction::Count => "count",
            WindowFunction::Min => "min",
            WindowFunction::Max => "max",
        };
        let mut over = Vec::new();
        if !self.partition.is_empty() {
            over.push(format!("PARTITION BY {}", self.partition.join(", ")));
        }
        if !self.order.is_empty() {
            over.push(format!("ORDER BY {}", listed(&self.order)));
        }
        if let Some([before, after]) = self.frame {
            over.push(format!("ROWS BETWEEN {before} PRECEDING AND {after} FOLLOWING"));
        } else if self.function.takes_a_frame() && !self.order.is_empty() {
            over.push("ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING".to_owned());
        }
        let call =
            format!("{name}({}) OVER ({})", self.argument.as_deref().unwrap_or_default(), over.join(" "));
        // Ranks are of another integer type.
        match self.function {
            WindowFunction::RowNumber | WindowFunction::Rank | WindowFunction::DenseRank => {
                write!(f, "CAST({call} AS BIGINT)")
            }
            _ => f.write_str(&call),
        }
    }
}

impl WindowCall {
    /// Whether rows that are equal in all columns get one value.
    #[must_use]
    pub fn is_same_for_equal_rows(&self) -> bool {
        let is_of_peers = matches!(self.function, WindowFunction::Rank | WindowFunction::DenseRank);
        is_of_peers || self.function.takes_a_frame() && self.order.is_empty()
    }
}

impl WindowFunction {
    /// Whether a frame decides which rows it is computed of.
    #[must_use]
    pub fn takes_a_frame(self) -> bool {
        !matches!(self, Self::RowNumber | Self::Rank | Self::DenseRank | Self::Lag | Self::Lead)
    }
}
