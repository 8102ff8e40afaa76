//! FROM: tables, subqueries and joins.

use sqlparser::ast::{
    Expr, Join, JoinConstraint, JoinOperator, TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins,
};

use super::super::walk;
use super::{Walk, clauses};

impl Walk {
    pub(super) fn table_with_joins(&mut self, table: &TableWithJoins) {
        let TableWithJoins { relation, joins } = table;
        self.table(relation);
        for join in joins {
            let Join { relation, global, join_operator } = join;
            self.refuse_if(*global, &clauses::GLOBAL_JOIN);
            let before = self.at;
            self.table(relation);
            let after = std::mem::replace(&mut self.at, before);
            self.join_kind(join_operator);
            self.at = after;
            if let Some(constraint) = constraint_of(join_operator) {
                self.join_constraint(constraint);
            }
        }
    }

    /// Joins that are refused for what they are, with the place before the joined table.
    fn join_kind(&mut self, operator: &JoinOperator) {
        match operator {
            JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)
            | JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint)
            | JoinOperator::LeftSemi(constraint)
            | JoinOperator::RightSemi(constraint)
            | JoinOperator::LeftAnti(constraint)
            | JoinOperator::RightAnti(constraint) => {
                self.refuse_if(*constraint == JoinConstraint::None, &clauses::JOIN_WITHOUT_CONDITION);
            }
            JoinOperator::CrossJoin(constraint) => {
                self.refuse_if(*constraint != JoinConstraint::None, &clauses::CROSS_JOIN_CONDITION);
            }
            JoinOperator::Semi(_) | JoinOperator::Anti(_) => self.refuse(&clauses::SEMI_JOIN),
            JoinOperator::CrossApply | JoinOperator::OuterApply => self.refuse(&clauses::APPLY),
            JoinOperator::AsOf { match_condition: _, constraint: _ } => self.refuse(&clauses::AS_OF_JOIN),
            JoinOperator::StraightJoin(_) => self.refuse(&clauses::STRAIGHT_JOIN),
            JoinOperator::ArrayJoin | JoinOperator::LeftArrayJoin | JoinOperator::InnerArrayJoin => {
                self.refuse(&clauses::ARRAY_JOIN);
            }
        }
    }

    fn join_constraint(&mut self, constraint: &JoinConstraint) {
        match constraint {
            JoinConstraint::On(condition) => self.expr(condition),
            JoinConstraint::Using(names) => names.iter().for_each(|name| self.name(name)),
            JoinConstraint::Natural | JoinConstraint::None => {}
        }
    }

    fn table(&mut self, table: &TableFactor) {
        match table {
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
            } => {
                self.name(name);
                if args.is_some() {
                    let first = name.0.first().and_then(|part| part.as_ident()).map(|ident| ident.span);
                    self.refuse_near(&clauses::TABLE_FUNCTION, first);
                }
                self.refuse_if(json_path.is_some(), &clauses::JSON_PATH);
                self.refuse_if(version.is_some(), &clauses::TABLE_VERSION);
                self.refuse_if(!partitions.is_empty(), &clauses::PARTITION);
                self.refuse_if(*with_ordinality, &clauses::ORDINALITY);
                self.refuse_if(sample.is_some(), &clauses::SAMPLE);
                self.refuse_if(!with_hints.is_empty(), &clauses::TABLE_HINT);
                self.refuse_if(!index_hints.is_empty(), &clauses::INDEX_HINT);
                self.alias(alias.as_ref());
            }
            TableFactor::Derived { lateral: _, subquery, alias, sample } => {
                self.query(subquery);
                self.refuse_if(sample.is_some(), &clauses::SAMPLE);
                self.alias(alias.as_ref());
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                self.table_with_joins(table_with_joins);
                self.alias(alias.as_ref());
            }
            TableFactor::UNNEST {
                alias,
                array_exprs,
                with_offset,
                with_offset_alias: _,
                with_ordinality,
            } => {
                // It can be planned where it stands for itself only.
                self.refuse_if(array_exprs.iter().any(reads_columns), &clauses::UNNEST_COLUMN);
                array_exprs.iter().for_each(|expr| self.expr(expr));
                self.refuse_if(*with_offset, &clauses::UNNEST_OFFSET);
                self.refuse_if(*with_ordinality, &clauses::ORDINALITY);
                self.alias(alias.as_ref());
            }
            other => self.refused_table(other),
        }
    }

    /// What can stand in FROM and means nothing here.
    fn refused_table(&mut self, table: &TableFactor) {
        match table {
            TableFactor::TableFunction { expr, alias: _ } => {
                self.refuse_expr(&clauses::TABLE_FUNCTION, expr);
            }
            TableFactor::Function { lateral: _, name, args: _, with_ordinality: _, alias: _ } => {
                let first = name.0.first().and_then(|part| part.as_ident()).map(|ident| ident.span);
                self.refuse_near(&clauses::TABLE_FUNCTION, first);
            }
            TableFactor::JsonTable { json_expr: _, json_path: _, columns: _, alias: _ } => {
                self.refuse(&clauses::JSON_TABLE);
            }
            TableFactor::OpenJsonTable { json_expr: _, json_path: _, columns: _, alias: _ } => {
                self.refuse(&clauses::OPEN_JSON);
            }
            TableFactor::Pivot {
                table: _,
                aggregate_functions: _,
                value_column: _,
                value_source: _,
                default_on_null: _,
                alias: _,
            } => self.refuse(&clauses::PIVOT),
            TableFactor::Unpivot { table: _, value: _, name: _, columns: _, null_inclusion: _, alias: _ } => {
                self.refuse(&clauses::UNPIVOT);
            }
            TableFactor::MatchRecognize {
                table: _,
                partition_by: _,
                order_by: _,
                measures: _,
                rows_per_match: _,
                after_match_skip: _,
                pattern: _,
                symbols: _,
                alias: _,
            } => self.refuse(&clauses::MATCH_RECOGNIZE),
            TableFactor::XmlTable { namespaces: _, row_expression: _, passing: _, columns: _, alias: _ } => {
                self.refuse(&clauses::XML_TABLE);
            }
            TableFactor::SemanticView {
                name: _,
                dimensions: _,
                metrics: _,
                facts: _,
                where_clause: _,
                alias: _,
            } => self.refuse(&clauses::SEMANTIC_VIEW),
            // These are walked above.
            TableFactor::Table { .. }
            | TableFactor::Derived { .. }
            | TableFactor::NestedJoin { .. }
            | TableFactor::UNNEST { .. } => {}
        }
    }

    fn alias(&mut self, alias: Option<&TableAlias>) {
        if let Some(alias) = alias {
            self.table_alias(alias);
        }
    }

    pub(super) fn table_alias(&mut self, alias: &TableAlias) {
        // Whether `AS` was written does not matter.
        let TableAlias { explicit: _, name, columns, at } = alias;
        self.ident(name);
        for TableAliasColumnDef { name, data_type } in columns {
            self.ident(name);
            if data_type.is_some() {
                self.refuse_at(&clauses::ALIAS_TYPE, name.span);
            }
        }
        self.refuse_if(at.is_some(), &clauses::ALIAS_AT);
    }
}

/// Whether an expression reads a column.
fn reads_columns(expr: &Expr) -> bool {
    walk::any_expression(expr, |expr| matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)))
}

/// The condition of a join that is not refused for its kind.
fn constraint_of(operator: &JoinOperator) -> Option<&JoinConstraint> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::LeftSemi(constraint)
        | JoinOperator::RightSemi(constraint)
        | JoinOperator::LeftAnti(constraint)
        | JoinOperator::RightAnti(constraint) => Some(constraint),
        JoinOperator::CrossJoin(_)
        | JoinOperator::Semi(_)
        | JoinOperator::Anti(_)
        | JoinOperator::CrossApply
        | JoinOperator::OuterApply
        | JoinOperator::AsOf { .. }
        | JoinOperator::StraightJoin(_)
        | JoinOperator::ArrayJoin
        | JoinOperator::LeftArrayJoin
        | JoinOperator::InnerArrayJoin => None,
    }
}

/// The expressions that a part of the tree may have or not have.
pub(super) fn optional(expr: &Option<Box<Expr>>) -> impl Iterator<Item = &Expr> {
    expr.as_deref().into_iter()
}
