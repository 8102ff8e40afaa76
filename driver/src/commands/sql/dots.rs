//! Lines that begin with a point: what is told to the shell and not asked of the lake.

use std::path::PathBuf;

use clap::ValueEnum as _;
use ir::spec::{GivenParameter, GivenValue};
use pipeline::LakeTable;

use super::session::Session;
use super::shell::run_statements;
use crate::cli::{Format, parse_rows};
use crate::commands::Context;
use crate::failure::Failure;
use crate::report::{Align, table};

/// How the shell goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// With the next line.
    Go,
    /// Not at all.
    End,
}

/// A command.
struct Dot {
    name: &'static str,
    /// What follows it.
    argument: &'static str,
    about: &'static str,
    /// What may follow it, where that is one of a few words.
    values: &'static [&'static str],
    run: fn(&str, &mut Session, &mut Context<'_>) -> Result<Next, Failure>,
}

const SWITCH: &[&str] = &["on", "off"];
const FORMS: &[&str] = &["text", "csv", "json", "ndjson", "markdown", "parquet"];

/// All commands.
const DOTS: &[Dot] = &[
    Dot { name: ".help", argument: "", about: "what can be typed", values: &[], run: help },
    Dot {
        name: ".tables",
        argument: "[TEXT]",
        about: "the tables whose names have TEXT in them",
        values: &[],
        run: tables,
    },
    Dot {
        name: ".schema",
        argument: "[TABLE]",
        about: "the columns of a table, or of all",
        values: &[],
        run: schema,
    },
    Dot {
        name: ".mode",
        argument: "FORM",
        about: "the form of rows: text, csv, json, ndjson, markdown, parquet",
        values: FORMS,
        run: mode,
    },
    Dot {
        name: ".output",
        argument: "[FILE]",
        about: "write the rows of the next statements to a file; without FILE, show them",
        values: &[],
        run: output,
    },
    Dot { name: ".rows", argument: "N|all", about: "how many rows are shown", values: &["all"], run: rows },
    Dot {
        name: ".timing",
        argument: "on|off",
        about: "say how long each statement took",
        values: SWITCH,
        run: timing,
    },
    Dot {
        name: ".pager",
        argument: "on|off",
        about: "show page by page what does not fit, through PAGER if that is set",
        values: SWITCH,
        run: pager,
    },
    Dot {
        name: ".param",
        argument: "[N [VALUE]]",
        about: "the value of $N; without VALUE none; without N, list them",
        values: &[],
        run: param,
    },
    Dot { name: ".read", argument: "FILE", about: "answer the statements of a file", values: &[], run: read },
    Dot {
        name: ".quit",
        argument: "",
        about: "end; so does Ctrl-D",
        values: &[],
        run: |_, _, _| Ok(Next::End),
    },
];

/// Their names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    DOTS.iter().map(|dot| dot.name)
}

/// What may follow one of them.
pub(super) fn values(name: &str) -> impl Iterator<Item = &'static str> {
    DOTS.iter().filter(move |dot| dot.name == name).flat_map(|dot| dot.values).copied()
}

/// Does what a line says.
pub(super) fn run(line: &str, session: &mut Session, context: &mut Context<'_>) -> Result<Next, Failure> {
    let line = line.trim_end_matches(';').trim_end();
    let (name, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match DOTS.iter().find(|dot| dot.name == name) {
        Some(dot) => (dot.run)(argument.trim(), session, context),
        None => {
            let near = ir::diag::nearest_name(name, names());
            let near = near.map_or_else(
                || "`.help` lists what there is".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            Err(Failure::Usage(format!("there is no `{name}`; {near}")))
        }
    }
}

fn help(_: &str, _: &mut Session, context: &mut Context<'_>) -> Result<Next, Failure> {
    let rows = DOTS.iter().map(|dot| vec![format!("{} {}", dot.name, dot.argument), dot.about.to_owned()]);
    let keys = [
        ("SELECT ...;", "a query; also WITH and VALUES"),
        ("EXPLAIN [ANALYZE] [VERBOSE] ...;", "how a query is computed, or was"),
        ("DESCRIBE ...;", "the columns of a table or a query"),
        ("SHOW TABLES; SHOW FUNCTIONS;", "what there is; also information_schema.tables, .columns, ..."),
        ("Tab", "complete; arrows and Ctrl-R go through what was typed before"),
        ("Ctrl-C", "end the statement that runs, or forget what is typed"),
    ];
    let keys = keys.map(|(key, about)| vec![key.to_owned(), about.to_owned()]);
    let headers = [("type", Align::Left), ("for", Align::Left)];
    context.console.print(&table(&headers, rows.chain(keys)))?;
    Ok(Next::Go)
}

fn tables(part: &str, session: &mut Session, context: &mut Context<'_>) -> Result<Next, Failure> {
    let names = session.lake.tables().iter().map(LakeTable::sql_name).collect::<Vec<_>>();
    let part = part.to_lowercase();
    for name in names.iter().filter(|name| name.to_lowercase().contains(&part)) {
        context.console.print(&format!("{name}\n"))?;
    }
    Ok(Next::Go)
}

fn schema(of: &str, session: &mut Session, context: &mut Context<'_>) -> Result<Next, Failure> {
    if !of.is_empty() {
        run_statements("`.schema`", &format!("DESCRIBE {of}"), session, context)?;
        return Ok(Next::Go);
    }
    for (table, schema) in session.lake.columns(&session.workers)? {
        context.console.print(&format!("{}\n", table.sql_name()))?;
        for field in schema.fields() {
            let (name, data_type) = (field.name(), ir::schema::type_text(field.data_type()));
            context.console.print(&format!("    {} {data_type}\n", ir::expr::identifier(name)))?;
        }
    }
    Ok(Next::Go)
}

fn mode(form: &str, session: &mut Session, context: &mut Context<'_>) -> Result<Next, Failure> {
    if form.is_empty() {
        let current = session.options.format.to_possible_value();
        let name = current.as_ref().map(|value| value.get_name()).unwrap_or_default();
        context.console.print(&format!("{name}\n"))?;
        return Ok(Next::Go);
    }
    let format = Format::from_str(form, true).ok().filter(|format| format.is_of_rows());
    session.options.format = format.ok_or_else(|| {
        Failure::Usage(format!("there is no form `{form}`; there are {}", FORMS.join(", ")))
    })?;
    Ok(Next::Go)
}

fn output(file: &str, session: &mut Session, _: &mut Context<'_>) -> Result<Next, Failure> {
    session.options.output = (!file.is_empty()).then(|| PathBuf::from(file));
    Ok(Next::Go)
}

fn rows(number: &str, session: &mut Session, _: &mut Context<'_>) -> Result<Next, Failure> {
    session.options.max_rows = parse_rows(number).map_err(Failure::Usage)?.0;
    Ok(Next::Go)
}

fn switch(text: &str) -> Result<bool, Failure> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        other => Err(Failure::Usage(format!("`{other}` is neither `on` nor `off`"))),
    }
}

fn timing(text: &str, session: &mut Session, _: &mut Context<'_>) -> Result<Next, Failure> {
    session.options.timing = switch(text)?;
    Ok(Next::Go)
}

fn pager(text: &str, session: &mut Session, _: &mut Context<'_>) -> Result<Next, Failure> {
    session.options.paging = switch(text)?;
    Ok(Next::Go)
}

fn param(text: &str, session: &mut Session, context: &mut Context<'_>) -> Result<Next, Failure> {
    if text.is_empty() {
        for GivenParameter { label, value } in &session.parameters {
            let value = match value {
                GivenValue::Text(text) => text.clone(),
                GivenValue::Typed(value) => value.to_string(),
            };
            context.console.print(&format!("${label} = {value}\n"))?;
        }
        return Ok(Next::Go);
    }
    let (label, value) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let label = label.trim_start_matches('$');
    if label.parse::<u32>().is_err() {
        return Err(Failure::Usage(format!("`{label}` is no parameter; they are `1`, `2`, ...")));
    }
    session.parameters.retain(|parameter| parameter.label != label);
    let value = value.trim();
    if !value.is_empty() {
        let value = GivenValue::Text(value.to_owned());
        session.parameters.push(GivenParameter { label: label.to_owned(), value });
    }
    Ok(Next::Go)
}

fn read(file: &str, session: &mut Session, context: &mut Context<'_>) -> Result<Next, Failure> {
    let text = super::file_text(std::path::Path::new(file))?;
    run_statements(file, &text, session, context)?;
    Ok(Next::Go)
}
