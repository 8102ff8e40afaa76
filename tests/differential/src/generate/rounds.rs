//! Specs that run one after the other.

use std::collections::BTreeSet;

use super::expressions::{self, Readable};
use super::{Case, Maker, input_rows};
use crate::choice::Choice;
use crate::evaluate::{self, Relation, Relations};
use crate::plan::{Aggregate, Column, Expr, Group, Input, LogRead, Measure, Op, Output, Plan, SortKey, View};
use crate::table::Table;
use crate::value::{Type, Value};

/// An output is divided into so many partitions at most.
const MOST_PARTITIONS: usize = 8;

/// A spec over some inputs.
pub(super) fn plan(choice: &mut Choice, inputs: Vec<Input>, tables: &[Table], written: &Relations) -> Plan {
    let known = input_rows(tables, &inputs, written);
    let names = inputs.iter().map(|input| input.name.clone()).collect();
    let divided = inputs.iter().filter_map(|input| {
        let table =
            tables.iter().find(|table| table.name == input.table && !table.partition_by.is_empty())?;
        Some((input.name.clone(), table.partition_by.clone()))
    });
    let divided = divided.collect();
    let is_late = |input: &&Input| {
        let table = tables.iter().find(|table| table.name == input.table);
        table.is_some_and(|table| table.recorded_from() == Some(1))
    };
    let late_feeds = inputs.iter().filter(is_late).map(|input| input.name.clone()).collect();
    let mut maker = Maker {
        choice: choice.clone(),
        known,
        inputs: names,
        divided,
        late_feeds,
        views: Vec::new(),
        filters: Vec::new(),
    };
    if maker.choice.one_in(8) {
        maker.filter_inputs(&inputs);
    }
    for _ in 0..2 + maker.choice.below(8) {
        maker.add_view();
    }
    let twins = if maker.choice.one_in(5) { maker.add_twin() } else { None };
    let Maker { choice: after, known, views, filters, .. } = maker;
    *choice = after;
    let letter = if written.is_empty() { 'o' } else { 'p' };
    let outputs = outputs(choice, &known, &views, &inputs, twins, letter);
    let mut plan = Plan { inputs, views, outputs, cache: [Vec::new(), Vec::new()], filters, refused: None };
    plan.keep_what_is_read();
    for view in &plan.views {
        let wish = choice.below(8);
        plan.cache
            .iter_mut()
            .enumerate()
            .filter(|(at, _)| *at == wish)
            .for_each(|(_, views)| views.push(view.name.clone()));
    }
    plan
}

impl Maker {
    /// A parameter that keeps some rows of an input, or of all that have a column.
    fn filter_inputs(&mut self, inputs: &[Input]) {
        let input = self.choice.of(inputs).clone();
        let relation = self.choice.one_in(2).then_some(input.name.as_str());
        let filter = self.row_filter(relation, &input.columns);
        self.filters.extend(filter);
        for input in inputs {
            if let Some(relation) = self.known.get_mut(&input.name) {
                evaluate::keep(&self.filters, &input.name, true, relation);
            }
        }
    }
}

/// Specs after the first: one that adds rows to a table, one that reads what was written, one that must be refused.
pub(super) fn add_later(choice: &mut Choice, case: &mut Case) {
    if choice.one_in(4) {
        case.rounds.extend(more_rows(choice, &case.rounds[0]));
    }
    // A table in several sorted runs is worth reading.
    let appended =
        case.rounds.get(1).and_then(|plan| plan.outputs.first()).map(|output| output.table.clone());
    if choice.one_in(if appended.is_some() { 2 } else { 3 })
        && let Ok(rounds) = case.results()
        && let Some(last) = rounds.last()
    {
        let inputs = read_again(choice, &case.rounds[0], &last.tables);
        if !inputs.is_empty() {
            let mut plan = plan(choice, inputs.clone(), &[], &last.tables);
            if choice.one_in(2) {
                add_sorted_lists(choice, &mut plan, &inputs, &case.rounds[0], appended.as_deref());
            }
            case.rounds.push(plan);
        }
    }
    if choice.one_in(8) {
        let plan = &case.rounds[0];
        let refused = match choice.below(5) {
            0 | 1 => unrecorded_changes(choice, plan, &case.tables),
            2 => names_by_letter_case(choice, plan),
            _ => places_twice(choice, plan),
        };
        case.rounds.extend(refused);
    }
}

/// The spec again, adding those rows of one of its views to the table that meet a condition.
fn more_rows(choice: &mut Choice, plan: &Plan) -> Option<Plan> {
    let sorted: Vec<Output> =
        plan.outputs.iter().filter(|output| !output.sort_by.is_empty()).cloned().collect();
    let some_outputs = if choice.one_in(2) && !sorted.is_empty() { &sorted } else { &plan.outputs };
    let output = choice.maybe_of(some_outputs)?.clone();
    let view = plan.views.iter().find(|view| view.name == output.view).filter(|view| !view.is_open())?;
    // The texts of a run are not those of the run before.
    if view.columns.iter().any(|(_, of)| *of == Type::Token) {
        return None;
    }
    let readable: Readable = view.columns.iter().map(|(name, of)| (None, name.clone(), *of)).collect();
    let predicate = expressions::condition(choice, &readable, 1);
    let name = "more".to_owned();
    let op = Op::Filter { source: view.name.clone(), predicate };
    let mut again = plan.clone();
    again.views.push(View { name: name.clone(), op, columns: view.columns.clone() });
    again.outputs = vec![Output { view: name, appends: true, ..output }];
    again.keep_what_is_read();
    Some(again)
}

/// The tables that were written, as inputs; those without texts of chance and without rows that are any of some.
fn read_again(choice: &mut Choice, plan: &Plan, written: &Relations) -> Vec<Input> {
    let is_known = |output: &&Output| {
        let is_open = plan.views.iter().any(|view| view.name == output.view && view.is_open());
        let columns = written.get(&output.table).map(|table| table.columns.as_slice()).unwrap_or_default();
        !is_open && columns.iter().all(|(_, of)| *of != Type::Token)
    };
    let outputs: Vec<&Output> = plan.outputs.iter().filter(is_known).collect();
    let input = |output: &&Output| {
        let name = &output.table;
        Some(Input {
            name: name.clone(),
            table: name.clone(),
            location: choice.of(&spellings(name)).clone(),
            version: None,
            columns: written.get(name)?.columns.clone(),
        })
    };
    outputs.iter().filter_map(input).collect()
}

/// Adds lists of the rows of a sorted table, by the column that it is sorted by and in its order: of the table that rows
/// were added to, if that one is sorted.
fn add_sorted_lists(
    choice: &mut Choice,
    plan: &mut Plan,
    inputs: &[Input],
    earlier: &Plan,
    appended: Option<&str>,
) -> Option<()> {
    let key = |input: &Input| {
        let output = earlier.outputs.iter().find(|output| output.table == input.table)?;
        Some((input.clone(), output.sort_by.first()?.clone()))
    };
    let mut sorted: Vec<(Input, SortKey)> = inputs.iter().filter_map(key).collect();
    if sorted.iter().any(|(input, _)| Some(input.table.as_str()) == appended) {
        sorted.retain(|(input, _)| Some(input.table.as_str()) == appended);
    }
    let (input, key) = choice.maybe_of(&sorted)?.clone();
    let (_, of_key) = input.columns.iter().find(|(name, _)| *name == key.column)?.clone();
    let lists: Vec<&Column> =
        input.columns.iter().filter(|(_, of)| matches!(of, Type::Int | Type::Text)).collect();
    // Of the key itself the elements of a list are equal, so that they need no order.
    let key_itself = lists.iter().find(|(name, _)| *name == key.column).filter(|_| choice.one_in(2));
    let needs_order = key_itself.is_none();
    let (listed, of) = match key_itself {
        Some(column) => (*column).clone(),
        None => (*choice.maybe_of(&lists)?).clone(),
    };
    let of = if of == Type::Int { Type::Ints } else { Type::Texts };
    let (function, order) = if needs_order && choice.one_in(2) {
        (Aggregate::ArrayAggSorted, SortKey::ascending(&listed))
    } else {
        let (descending, nulls_first) = (choice.one_in(2), choice.one_in(2));
        (Aggregate::ArrayAgg, SortKey { column: listed.clone(), descending, nulls_first })
    };
    let measure = Measure {
        function,
        argument: Some(Expr::Column(None, listed)),
        distinct: false,
        filter: None,
        order: if needs_order { vec![order] } else { Vec::new() },
    };
    let group = Group {
        keys: vec![("key".to_owned(), Expr::Column(None, key.column.clone()))],
        measures: vec![("list".to_owned(), measure)],
        more_rows_than: None,
    };
    let columns = vec![("key".to_owned(), of_key), ("list".to_owned(), of)];
    let op = Op::Aggregate { source: input.name.clone(), group };
    plan.views.push(View { name: "lists".to_owned(), op, columns });
    plan.outputs.push(Output {
        table: "lists".to_owned(),
        location: "lists".to_owned(),
        view: "lists".to_owned(),
        sort_by: vec![SortKey { column: "key".to_owned(), ..key }],
        partition_by: Vec::new(),
        appends: false,
    });
    if plan.inputs.iter().all(|other| other.name != input.name) {
        plan.inputs.push(input);
    }
    Some(())
}

/// Ways to spell a place below the folder of the case, for which `{home}` stands.
pub(super) fn spellings(place: &str) -> [String; 5] {
    [
        place.to_owned(),
        format!("./{place}"),
        format!("tables/../{place}/"),
        format!("{{home}}/{place}"),
        format!("file://{{home}}/./{place}"),
    ]
}

/// The spec, reading the changes of the first version of a table that did not record them then, or does not at all.
fn unrecorded_changes(choice: &mut Choice, plan: &Plan, tables: &[Table]) -> Option<Plan> {
    let code = |input: &Input| {
        let table = tables.iter().find(|table| table.name == input.table)?;
        match table.recorded_from() {
            None => Some((input.clone(), "E0313")),
            // At a version before it is switched on, it is off.
            Some(1) if input.version != Some(0) => Some((input.clone(), "E0115")),
            Some(_) => None,
        }
    };
    let inputs: Vec<(Input, &str)> = plan.inputs.iter().filter_map(code).collect();
    let late: Vec<_> = inputs.iter().filter(|(_, code)| *code == "E0115").cloned().collect();
    let (input, code) = choice.maybe_of(if late.is_empty() { &inputs } else { &late })?.clone();
    let changes = LogRead::Changes { from: Some(0), to: Some(0) };
    Some(with_wrong_view(plan, Op::Log(input.name, changes), input.columns, code))
}

/// The spec, with a union of columns whose names differ by nothing but letter case.
fn names_by_letter_case(choice: &mut Choice, plan: &Plan) -> Option<Plan> {
    let view = choice.maybe_of(&plan.views)?.clone();
    let (first, _) = view.columns.first()?;
    let other = first.to_uppercase();
    let columns = || view.columns.iter().enumerate();
    let name = |(at, (name, _)): (usize, &Column)| if at == 0 { other.clone() } else { name.clone() };
    let renamed = columns().map(|column| (name(column), Expr::Column(None, column.1.0.clone()))).collect();
    let op = Op::Project { source: view.name.clone(), columns: renamed };
    let types = columns().map(|column| (name(column), column.1.1)).collect();
    let mut wrong = plan.clone();
    wrong.views.push(View { name: "renamed".to_owned(), op, columns: types });
    let sources = vec![view.name.clone(), "renamed".to_owned()];
    let op = Op::Union { sources, discriminator: None, distinct: false };
    wrong.views.push(View { name: "united".to_owned(), op, columns: view.columns.clone() });
    // An output with both columns would be refused for another reason.
    let columns = vec![("n".to_owned(), Expr::Literal(Value::Int(1), Type::Int))];
    let op = Op::Project { source: "united".to_owned(), columns };
    let columns = vec![("n".to_owned(), Type::Int)];
    (other != *first).then(|| with_wrong_view(&wrong, op, columns, "E0221"))
}

/// The spec, with one more view, which must be refused.
fn with_wrong_view(plan: &Plan, op: Op, columns: Vec<Column>, code: &str) -> Plan {
    let mut wrong = plan.clone();
    let name = "wrong".to_owned();
    wrong.views.push(View { name: name.clone(), op, columns });
    wrong.outputs.push(Output {
        table: name.clone(),
        location: name.clone(),
        view: name,
        sort_by: Vec::new(),
        partition_by: Vec::new(),
        appends: false,
    });
    wrong.refused = Some(code.to_owned());
    wrong
}

/// The spec, writing to where it reads from, or twice to one place.
fn places_twice(choice: &mut Choice, plan: &Plan) -> Option<Plan> {
    let mut wrong = plan.clone();
    let first = wrong.outputs.first()?.clone();
    let mut second = Output { table: "twice".to_owned(), ..first.clone() };
    let read = if choice.one_in(2) { choice.maybe_of(&wrong.inputs) } else { None };
    let (place, code) = match read {
        Some(input) => (format!("tables/{}", input.table), "E0505"),
        None => (first.location, "E0105"),
    };
    wrong.refused = Some(code.to_owned());
    second.location = choice.of(&spellings(&place)).clone();
    wrong.outputs.push(second);
    Some(wrong)
}

fn outputs(
    choice: &mut Choice,
    known: &Relations,
    views: &[View],
    inputs: &[Input],
    twins: Option<[String; 2]>,
    letter: char,
) -> Vec<Output> {
    let last = views.last().map(|view| view.name.clone());
    let mut names: Vec<String> = match twins {
        Some(twins) => twins.to_vec(),
        None => last.into_iter().collect(),
    };
    for _ in 0..choice.below(3) {
        names.extend(choice.maybe_of(views).map(|view| view.name.clone()));
    }
    // Of rows that are any of some, and of texts that are never twice the same, two outputs must agree.
    let is_told_by_relations =
        |view: &&View| view.is_open() || view.columns.iter().any(|(_, of)| *of == Type::Token);
    let views_of_chance: Vec<&View> = views.iter().filter(is_told_by_relations).collect();
    if let Some(view) = choice.maybe_of(&views_of_chance) {
        names.extend([view.name.clone(), view.name.clone()]);
    }
    if names.is_empty() {
        names.extend(choice.maybe_of(inputs).map(|input| input.name.clone()));
    }
    let mut outputs = Vec::new();
    for (at, view) in names.into_iter().enumerate() {
        let Some(relation) = known.get(&view) else { continue };
        let scalars: Vec<&String> =
            relation.columns.iter().filter(|(_, of)| of.is_scalar()).map(|(name, _)| name).collect();
        // Of rows that are any of some it is not known whether their values can be names of folders.
        let is_known = !views.iter().any(|other| other.name == view && other.is_open());
        let partition_by =
            if is_known && choice.one_in(4) { partition(choice, relation) } else { Vec::new() };
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
        let table = format!("{letter}{at}");
        outputs.push(Output { location: table.clone(), table, view, sort_by, partition_by, appends: false });
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
    // They are names of folders.
    let are_short = values.iter().all(|value| !matches!(value, Value::Text(text) if text.len() > 60));
    let fits =
        are_short && matches!(of, Type::Int | Type::Text) && values.len() <= MOST_PARTITIONS && is_told_apart;
    if fits { vec![name.clone()] } else { Vec::new() }
}
