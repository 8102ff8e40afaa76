//! Specs and tables of a seed.

mod expressions;
mod joins;
mod operations;
mod queries;
mod rounds;
mod tables;
mod transforms;
mod twins;

use std::collections::BTreeSet;

use crate::choice::Choice;
use crate::evaluate::{self, Relation, Relations, Round, TooLarge};
use crate::plan::{Column, Input, LogRead, Op, Plan, RowFilter, View};
use crate::table::Table;
use crate::value::{Type, Value};

/// A view that cannot be made is tried so often.
const TRIES: usize = 20;
/// Whole numbers and the numbers before the point of others are smaller, or sums of them would not be exact.
const LARGEST: i64 = 1 << 40;
/// Texts have fewer bytes, and all of a relation together at most so many.
const LONGEST: usize = 5000;
const MOST_TEXT: usize = 3 << 20;

/// What a seed stands for.
#[derive(Clone, Debug)]
pub struct Case {
    /// The tables that are there.
    pub tables: Vec<Table>,
    /// Specs that run one after the other; later ones read what earlier ones wrote, or add to it.
    pub rounds: Vec<Plan>,
}

impl Case {
    /// The case of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut choice = Choice::new(seed, 0);
        let tables = tables::tables(&mut choice);
        let inputs = tables::inputs(&mut choice, &tables);
        let first = rounds::plan(&mut choice, inputs, &tables, &Relations::new());
        let mut case = Self { tables, rounds: vec![first] };
        rounds::add_later(&mut choice, &mut case);
        case
    }

    /// What is right after each spec.
    ///
    /// # Errors
    /// When the evaluator does not look at so many rows.
    pub fn results(&self) -> Result<Vec<Round>, TooLarge> {
        let mut tables = Relations::new();
        let mut rounds = Vec::new();
        for plan in &self.rounds {
            if plan.refused.is_some() {
                rounds.push(Round { relations: Relations::new(), tables: tables.clone() });
                continue;
            }
            let relations = evaluate::all(plan, input_rows(&self.tables, &plan.inputs, &tables))?;
            for output in &plan.outputs {
                let Some(relation) = relations.get(&output.view) else { continue };
                match tables.get_mut(&output.table).filter(|_| output.appends) {
                    Some(table) => table.rows.extend(relation.rows.iter().cloned()),
                    None => {
                        tables.insert(output.table.clone(), relation.clone());
                    }
                }
            }
            rounds.push(Round { relations, tables: tables.clone() });
        }
        Ok(rounds)
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
        let inputs = &self.inputs;
        // An input whose log alone is read has no rows that could be kept.
        let is_read = |name: &str| {
            let by_view = self
                .views
                .iter()
                .any(|view| !matches!(view.op, Op::Log(..)) && view.op.sources().contains(&name));
            by_view || self.outputs.iter().any(|output| output.view == name)
        };
        self.filters.retain(|filter| match &filter.relation {
            Some(name) => {
                needed.contains(name) && (is_read(name) || self.views.iter().any(|view| view.name == *name))
            }
            None => inputs
                .iter()
                .any(|input| is_read(&input.name) && filter.is_of(&input.name, true, &input.columns)),
        });
    }
}

/// The rows of inputs, and what the logs of those say that were there from the beginning.
fn input_rows(tables: &[Table], inputs: &[Input], written: &Relations) -> Relations {
    let mut known = Relations::new();
    for input in inputs {
        if let Some(relation) = written.get(&input.table) {
            known.insert(input.name.clone(), relation.clone());
        }
        let Some(table) = tables.iter().find(|table| table.name == input.table) else { continue };
        let relation = Relation { columns: table.columns.clone(), rows: table.rows(input.version) };
        known.insert(input.name.clone(), relation);
        let feed = table.layout.feed.then_some(LogRead::Changes { from: None, to: None });
        for read in feed.into_iter().chain([LogRead::Version, LogRead::Files]) {
            known.insert(evaluate::log_of(&input.name, &read), table.log(input.version, &read));
        }
    }
    known
}

/// Makes views, and computes each to know whether it is worth having.
struct Maker {
    choice: Choice,
    known: Relations,
    /// The inputs.
    inputs: Vec<String>,
    /// Those whose files are divided by columns, with the columns.
    divided: Vec<(String, Vec<String>)>,
    /// Those of which the changes of the first version cannot be read.
    late_feeds: Vec<String>,
    views: Vec<View>,
    filters: Vec<RowFilter>,
}

impl Maker {
    fn add_view(&mut self) {
        for _ in 0..TRIES {
            let Some((op, columns)) = self.operation() else { continue };
            let view = View { name: format!("v{}", self.views.len()), op, columns };
            let Ok(mut made) = evaluate::one(&view, &self.known) else { continue };
            let texts = made
                .rows
                .iter()
                .flatten()
                .map(|value| if let Value::Text(text) = value { text.len() } else { 0 });
            if texts.sum::<usize>() > MOST_TEXT || !made.rows.iter().flatten().all(is_small) {
                continue;
            }
            // How many of any rows a parameter keeps is not known. Identifiers do not change with what is kept of them.
            let seldom = if matches!(view.op, Op::Normalize(_)) { 3 } else { 20 };
            if !view.is_open() && self.choice.one_in(seldom) {
                let filter = self.row_filter(Some(&view.name), &view.columns);
                self.filters.extend(filter);
                evaluate::keep(&self.filters, &view.name, false, &mut made);
            }
            self.known.insert(view.name.clone(), made);
            self.views.push(view);
            return;
        }
    }

    /// A relation to read: a late view more often than others.
    fn source(&mut self) -> String {
        let views: Vec<&View> = self.views.iter().filter(|view| !view.is_open()).collect();
        if !views.is_empty() && self.choice.below(5) < 3 {
            let back = self.choice.below(3).min(views.len() - 1);
            return views[views.len() - 1 - back].name.clone();
        }
        let names: Vec<&String> = self.inputs.iter().chain(views.iter().map(|view| &view.name)).collect();
        (*self.choice.of(&names)).clone()
    }

    fn columns(&self, relation: &str) -> Vec<Column> {
        self.known.get(relation).map(|relation| relation.columns.clone()).unwrap_or_default()
    }

    fn operation(&mut self) -> Option<(Op, Vec<Column>)> {
        match self.choice.below(29) {
            0 | 1 => self.filter(),
            2 | 3 => self.project(),
            4 | 5 => self.aggregate(),
            6 | 7 => self.window(),
            8 => self.unnest(),
            9 => self.union(),
            10 | 11 => self.relate(),
            12 | 13 => self.span(),
            14 => self.normalize(),
            15..18 => self.graph(),
            18 | 19 => self.log(),
            20 => self.fresh(),
            21 => self.open_limit(),
            27 | 28 => self.filter_of_partitions(),
            _ => self.query(),
        }
    }

    /// A parameter that keeps some rows of a relation, or of all inputs with a column.
    fn row_filter(&mut self, relation: Option<&str>, columns: &[Column]) -> Option<RowFilter> {
        let of_parameters =
            |of: Type| matches!(of, Type::Int | Type::Text | Type::Float | Type::Bool | Type::Date);
        let fitting: Vec<&Column> = columns.iter().filter(|(_, of)| of_parameters(*of)).collect();
        let (column, of) = (*self.choice.maybe_of(&fitting)?).clone();
        let value = tables::value(&mut self.choice, of, 4, true);
        Some(RowFilter { relation: relation.map(str::to_owned), column, value, of })
    }
}

fn is_small(value: &Value) -> bool {
    match value {
        Value::Int(value) => value.abs() < LARGEST,
        Value::Float(value) => !value.is_finite() || value.abs() < LARGEST as f64,
        Value::Decimal(value) => value.abs() < i128::from(LARGEST),
        Value::Text(text) => text.len() < LONGEST,
        Value::List(values) => values.len() < 200 && values.iter().all(is_small),
        _ => true,
    }
}
