//! Specs and tables of a seed.

mod expressions;
mod operations;
mod queries;
mod tables;

use std::collections::BTreeSet;

use crate::choice::Choice;
use crate::evaluate::{self, Relation, Relations, TooLarge};
use crate::plan::{Column, Input, Op, Output, Plan, SortKey, View};
use crate::table::Table;
use crate::value::{Type, Value};

/// A view that cannot be made is tried so often.
const TRIES: usize = 20;
/// Whole numbers and the numbers before the point of others are smaller, or sums of them would not be exact.
const LARGEST: i64 = 1 << 40;
/// An output is divided into so many partitions at most.
const MOST_PARTITIONS: usize = 8;

/// What a seed stands for.
#[derive(Clone, Debug)]
pub struct Case {
    /// The tables that are there.
    pub tables: Vec<Table>,
    /// What is made of them.
    pub plan: Plan,
}

impl Case {
    /// The case of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut choice = Choice::new(seed, 0);
        let tables = tables::tables(&mut choice);
        let inputs = tables::inputs(&mut choice, &tables);
        let mut maker = Maker { choice, known: input_rows(&tables, &inputs), views: Vec::new() };
        for _ in 0..2 + maker.choice.below(7) {
            maker.add_view();
        }
        let Maker { mut choice, known, views } = maker;
        let outputs = outputs(&mut choice, &known, &views, &inputs);
        let mut plan = Plan { inputs, views, outputs, cache: [Vec::new(), Vec::new()] };
        plan.keep_what_is_read();
        for view in &plan.views {
            let wish = choice.below(8);
            plan.cache
                .iter_mut()
                .enumerate()
                .filter(|(at, _)| *at == wish)
                .for_each(|(_, views)| views.push(view.name.clone()));
        }
        Self { tables, plan }
    }

    /// The rows of all inputs and views.
    ///
    /// # Errors
    /// When the evaluator does not look at so many.
    pub fn rows(&self) -> Result<Relations, TooLarge> {
        evaluate::all(&self.plan, input_rows(&self.tables, &self.plan.inputs))
    }
}

impl Plan {
    /// Leaves out what no output needs.
    pub fn keep_what_is_read(&mut self) {
        let mut needed: BTreeSet<String> = self.outputs.iter().map(|output| output.view.clone()).collect();
        for view in self.views.iter().rev() {
            if needed.contains(&view.name) {
                needed.extend(view.op.sources().into_iter().map(str::to_owned));
            }
        }
        self.views.retain(|view| needed.contains(&view.name));
        self.inputs.retain(|input| needed.contains(&input.name));
        self.cache.iter_mut().for_each(|views| views.retain(|view| needed.contains(view)));
    }
}

fn input_rows(tables: &[Table], inputs: &[Input]) -> Relations {
    let relation = |input: &Input| {
        let table = tables.iter().find(|table| table.name == input.table)?;
        let relation = Relation { columns: table.columns.clone(), rows: table.rows(input.version) };
        Some((input.name.clone(), relation))
    };
    inputs.iter().filter_map(relation).collect()
}

/// Makes views, and computes each to know whether it is worth having.
struct Maker {
    choice: Choice,
    known: Relations,
    views: Vec<View>,
}

impl Maker {
    fn add_view(&mut self) {
        for _ in 0..TRIES {
            let Some((op, columns)) = self.operation() else { continue };
            let view = View { name: format!("v{}", self.views.len()), op, columns };
            let Ok(made) = evaluate::one(&view, &self.known) else { continue };
            if made.rows.iter().flatten().all(is_small) {
                self.known.insert(view.name.clone(), made);
                self.views.push(view);
                return;
            }
        }
    }

    /// A relation to read: a late view more often than others.
    fn source(&mut self) -> String {
        let views = self.views.len();
        if views > 0 && self.choice.below(5) < 3 {
            let back = self.choice.below(3).min(views - 1);
            return self.views[views - 1 - back].name.clone();
        }
        let names: Vec<&String> = self.known.keys().collect();
        (*self.choice.of(&names)).clone()
    }

    fn columns(&self, relation: &str) -> Vec<Column> {
        self.known.get(relation).map(|relation| relation.columns.clone()).unwrap_or_default()
    }

    fn operation(&mut self) -> Option<(Op, Vec<Column>)> {
        match self.choice.below(18) {
            0 | 1 => self.filter(),
            2 | 3 => self.project(),
            4 | 5 => self.aggregate(),
            6 | 7 => self.window(),
            8 => self.unnest(),
            9 => self.union(),
            10 | 11 => self.relate(),
            12 | 13 => self.span(),
            _ => self.query(),
        }
    }
}

fn is_small(value: &Value) -> bool {
    match value {
        Value::Int(value) => value.abs() < LARGEST,
        Value::Float(value) => !value.is_finite() || value.abs() < LARGEST as f64,
        Value::Decimal(value) => value.abs() < i128::from(LARGEST),
        Value::Text(text) => text.len() < 1000,
        Value::List(values) => values.len() < 200 && values.iter().all(is_small),
        _ => true,
    }
}

fn outputs(choice: &mut Choice, known: &Relations, views: &[View], inputs: &[Input]) -> Vec<Output> {
    let mut names: Vec<String> = views.last().map(|view| view.name.clone()).into_iter().collect();
    for _ in 0..choice.below(3) {
        names.extend(choice.maybe_of(views).map(|view| view.name.clone()));
    }
    if names.is_empty() {
        names.extend(choice.maybe_of(inputs).map(|input| input.name.clone()));
    }
    let mut outputs = Vec::new();
    for (at, view) in names.into_iter().enumerate() {
        let Some(relation) = known.get(&view) else { continue };
        let scalars: Vec<&String> =
            relation.columns.iter().filter(|(_, of)| of.is_scalar()).map(|(name, _)| name).collect();
        let partition_by = if choice.one_in(4) { partition(choice, relation) } else { Vec::new() };
        let mut sort_by: Vec<SortKey> = Vec::new();
        if choice.one_in(3) {
            for _ in 0..=choice.below(2) {
                let Some(column) = choice.maybe_of(&scalars) else { break };
                if !partition_by.contains(*column) && sort_by.iter().all(|key| key.column != **column) {
                    sort_by.push(SortKey {
                        column: (*column).clone(),
                        descending: choice.one_in(2),
                        nulls_first: false,
                    });
                }
            }
        }
        outputs.push(Output { table: format!("o{at}"), view, sort_by, partition_by });
    }
    outputs
}

/// A column that divides the rows into a few partitions and leaves other columns in them.
fn partition(choice: &mut Choice, relation: &Relation) -> Vec<String> {
    if relation.columns.len() < 2 {
        return Vec::new();
    }
    let Some((name, of)) = choice.maybe_of(&relation.columns) else { return Vec::new() };
    let at = relation.columns.iter().position(|(column, _)| column == name).unwrap_or_default();
    let values: BTreeSet<&Value> = relation.rows.iter().map(|row| &row[at]).collect();
    // Delta cannot tell an empty text from NULL there.
    let is_told_apart = !values.contains(&Value::Text(String::new()));
    let fits = matches!(of, Type::Int | Type::Text) && values.len() <= MOST_PARTITIONS && is_told_apart;
    if fits { vec![name.clone()] } else { Vec::new() }
}
