//! `relate`: an equality join, or a span join.
//!
//! The engine's span join keeps left rows only or both sides, so a right join swaps its sides.

use std::collections::BTreeMap;

use ir::diag::{Diagnostic, codes};
use ir::op::{Join, JoinColumn, JoinType, Op, Relate, RelateSpan, SelectColumn, Side, SpanJoin};
use ir::origin::SpecField;
use ir::schema::Schema;

use super::{Expansion, From, Issue};

pub(super) fn expand<'a>(
    mut expansion: Expansion<'a>,
    relate: &Relate,
    inputs: &[&Schema],
) -> Result<Expansion<'a>, Vec<Issue>> {
    let [left, right] = inputs else { return Ok(expansion) };
    let mut issues = Vec::new();
    for (index, (left_key, right_key)) in relate.on.iter().enumerate() {
        for (key, schema) in [(left_key, left), (right_key, right)] {
            if !schema.contains(key) {
                let diagnostic = super::unknown_column(key, schema);
                issues.push(Issue { field: SpecField::Key(index), diagnostic });
            }
        }
    }
    if let Some(span) = &relate.span {
        check_bounds(span, left, right, &mut issues);
    }
    let columns = output_columns(relate, left, right, &mut issues);
    if !issues.is_empty() {
        return Err(issues);
    }
    let (op, from) = match &relate.span {
        None => {
            let join = Join { join_type: relate.join_type, on: relate.on.clone(), columns };
            (Op::Join(join), [From::Port(0), From::Port(1)])
        }
        Some(span) => span_join(relate, span, columns),
    };
    expansion.step("join", op, &from, inputs)?;
    Ok(expansion)
}

fn span_join(relate: &Relate, span: &RelateSpan, columns: Vec<JoinColumn>) -> (Op, [From; 2]) {
    let join = SpanJoin {
        join_type: relate.join_type,
        relation: span.relation,
        on: relate.on.clone(),
        left: span.left.clone(),
        right: span.right.clone(),
        innermost: span.innermost,
        columns,
    };
    if relate.join_type != JoinType::Right {
        return (Op::SpanJoin(join), [From::Port(0), From::Port(1)]);
    }
    let other = |side| if side == Side::Left { Side::Right } else { Side::Left };
    let swapped = SpanJoin {
        join_type: JoinType::Left,
        relation: join.relation.mirrored(),
        on: join.on.into_iter().map(|(left, right)| (right, left)).collect(),
        left: join.right,
        right: join.left,
        innermost: join.innermost,
        columns: join
            .columns
            .into_iter()
            .map(|column| JoinColumn { from: other(column.from), ..column })
            .collect(),
    };
    (Op::SpanJoin(swapped), [From::Port(1), From::Port(0)])
}

fn check_bounds(span: &RelateSpan, left: &Schema, right: &Schema, issues: &mut Vec<Issue>) {
    for (side, bounds, schema) in [(Side::Left, &span.left, left), (Side::Right, &span.right, right)] {
        for (index, bound) in bounds.iter().enumerate() {
            let diagnostic = match schema.field(bound) {
                None => super::unknown_column(bound, schema),
                Some(field) if field.data_type().is_integer() => continue,
                Some(field) => {
                    let message = format!("`{bound}` is {}, not an integer", field.data_type());
                    Diagnostic::new(codes::SPAN_COLUMN_TYPE, message)
                }
            };
            issues.push(Issue { field: SpecField::SpanBound(side, index), diagnostic });
        }
    }
}

/// The output columns: those selected; otherwise all of both sides. A key of one name on both sides is there
/// once where its value is the same on both; other names that clash need a suffix.
fn output_columns(
    relate: &Relate,
    left: &Schema,
    right: &Schema,
    issues: &mut Vec<Issue>,
) -> Vec<JoinColumn> {
    let columns = match &relate.select {
        Some(select) => selected(select, left, right, issues),
        None => everything(relate, left, right),
    };
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for column in &columns {
        *names.entry(&column.name).or_default() += 1;
    }
    let clashes: Vec<&str> =
        names.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name).collect();
    if !clashes.is_empty() {
        let message = format!("both sides have the columns {}", clashes.join(", "));
        let diagnostic = Diagnostic::new(codes::NAME_CLASH, message)
            .help("name the output columns with `select`, or tell them apart with `suffix: [\"\", _right]`");
        issues.push(Issue { field: SpecField::Select, diagnostic });
    }
    columns
}

fn selected(
    select: &[SelectColumn],
    left: &Schema,
    right: &Schema,
    issues: &mut Vec<Issue>,
) -> Vec<JoinColumn> {
    let mut columns = Vec::new();
    let of = |side| if side == Side::Left { left } else { right };
    for (index, entry) in select.iter().enumerate() {
        match entry {
            SelectColumn::All(side) => {
                columns.extend(of(*side).names().map(|name| JoinColumn::of(*side, name)))
            }
            SelectColumn::One(column) => {
                if !of(column.from).contains(&column.column) {
                    let diagnostic = super::unknown_column(&column.column, of(column.from));
                    issues.push(Issue { field: SpecField::Selected(index), diagnostic });
                }
                columns.push(column.clone());
            }
        }
    }
    columns
}

fn everything(relate: &Relate, left: &Schema, right: &Schema) -> Vec<JoinColumn> {
    let mut columns: Vec<JoinColumn> = left.names().map(|name| JoinColumn::of(Side::Left, name)).collect();
    if !relate.join_type.keeps_right() {
        return columns;
    }
    columns.extend(right.names().map(|name| JoinColumn::of(Side::Right, name)));
    let shared_key = |name: &str| relate.on.iter().any(|(left, right)| left == name && right == name);
    // Of a shared key, keep the side whose rows are all there; a full join has no such side.
    let dropped = match relate.join_type {
        JoinType::Inner | JoinType::Left => Some(Side::Right),
        JoinType::Right => Some(Side::Left),
        JoinType::Full | JoinType::Semi | JoinType::Anti => None,
    };
    columns.retain(|column| Some(column.from) != dropped || !shared_key(&column.column));
    if let Some((left_suffix, right_suffix)) = &relate.suffix {
        let clashing: Vec<String> = left
            .names()
            .filter(|name| right.contains(name) && !(dropped.is_some() && shared_key(name)))
            .map(str::to_owned)
            .collect();
        for column in columns.iter_mut().filter(|column| clashing.contains(&column.column)) {
            let suffix = if column.from == Side::Left { left_suffix } else { right_suffix };
            column.name.push_str(suffix);
        }
    }
    columns
}
