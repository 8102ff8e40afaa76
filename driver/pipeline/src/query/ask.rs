//! A statement becomes a spec: the tables that it reads are its inputs, the query is its one view, and the view's rows are
//! returned. It is compiled as any spec is, so SQL means the same in both, and mistakes are told alike.

use std::collections::BTreeSet;

use delta::Roots;
use ir::diag::{Diagnostic, Segment, SpecPath, codes};
use ir::expr::Query;
use ir::spec::{
    GivenParameter, GivenValue, InputRelation, ParameterTarget, ParameterValue, SPEC_VERSION, Spec, Sql,
    Transform, TypedParameter, ViewDefinition,
};
use tempfile::TempDir;

use super::answer::{Answer, Form};
use super::statement::{Kind, Statement};
use super::{Lake, catalog, plans};
use crate::{
    Compilation, CompileRequest, Memory, Observer, PipelineError, Result, Ruleset, Scope, Source, Workers,
    compile,
};

/// What the view of a query is called, unless the query reads a table of this name.
const VIEW: &str = "query";

/// How statements are answered.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// The threads; throwing their switch stops it.
    pub workers: &'a Workers,
    /// Which passes run.
    pub ruleset: Ruleset<'a>,
    /// What earlier statements have left; nothing where there is one only.
    pub memory: Option<&'a Memory>,
    /// Values for `$1`, `$2`, ..., by their numbers.
    pub parameters: &'a [GivenParameter],
    /// Who is told of stages and passes; nobody if absent.
    pub tracing: Option<&'a dyn Observer>,
}

impl<'a> Asking<'a> {
    /// Statements that follow no others and have no parameters.
    #[must_use]
    pub fn new(workers: &'a Workers) -> Self {
        Self { workers, ruleset: Ruleset::default(), memory: None, parameters: &[], tracing: None }
    }
}

impl std::fmt::Debug for Asking<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asking").field("parameters", &self.parameters.len()).finish_non_exhaustive()
    }
}

impl Lake {
    /// Answers a statement. Of the tables only those are opened that it names. A query is compiled; its rows are computed when
    /// they are read. A table may be a link to one elsewhere: the folder is the user's own.
    ///
    /// # Errors
    /// [`PipelineError::Findings`] with everything that is wrong with the statement, each at its place in the text; when a table
    /// cannot be opened, or the workers are stopped.
    pub fn ask(&self, statement: &Statement, asking: &Asking<'_>) -> Result<Answer> {
        let known = |rows: std::result::Result<_, arrow::error::ArrowError>| {
            rows.map_err(|error| PipelineError::Bug(format!("rows of the program's own: {error}")))
        };
        let form = match &statement.kind {
            Kind::ShowTables => Form::Rows(known(catalog::shown_tables(self))?),
            Kind::ShowFunctions => {
                let names = asking.workers.session()?.function_names();
                Form::Rows(known(catalog::functions(names, "function"))?)
            }
            Kind::Query(_) => {
                let (compilation, made) = self.compiled(statement, asking)?;
                Form::Compiled { compilation: Box::new(compilation), _made: made }
            }
            Kind::Describe(_) | Kind::DescribeQuery(_) => {
                let (compilation, _made) = self.compiled(statement, asking)?;
                let sink = compilation.graph.ids().find(|id| compilation.graph[*id].is_sink());
                let schema = sink.and_then(|sink| compilation.graph[sink].schema.as_ref());
                let schema = schema.ok_or_else(|| PipelineError::Bug("a query has no type".to_owned()))?;
                Form::Rows(known(catalog::described(schema.arrow()))?)
            }
            Kind::Explain { analyze, verbose, .. } => {
                let (compilation, _made) = self.compiled(statement, asking)?;
                let text = if *analyze {
                    plans::analyzed(&compilation, asking.workers)?
                } else {
                    plans::explained(&compilation, *verbose, asking.workers)?
                };
                Form::Lines(known(catalog::lines("plan", &text))?)
            }
        };
        Ok(Answer(form))
    }

    /// A statement's query as a compiled spec, with the folder of the tables that were made for it.
    fn compiled(&self, statement: &Statement, asking: &Asking<'_>) -> Result<(Compilation, Option<TempDir>)> {
        let written = statement.at(&statement.subject());
        let text = match &statement.kind {
            Kind::Describe(_) => format!("SELECT * FROM {written}"),
            _ => written.to_owned(),
        };
        // What is no query is told with its place when the spec is lowered.
        let query = Query::parse(&text).ok();
        let relations = query.as_ref().map(Query::relations).unwrap_or_default();
        let (inputs, made) = self.inputs(statement, query.as_ref(), &text, asking.workers)?;
        let view = query.as_ref().map_or_else(|| VIEW.to_owned(), |query| free_name(query, &relations));
        let parameters = query.map_or_else(Vec::new, |query| parameters(&query, asking.parameters));
        let path = SpecPath::root().field("view_definitions").index(0).field("transform").field("query");
        let spec = spec_of(&view, text.clone(), inputs, parameters);
        let mut source = Source::from_spec(spec, &*view, &self.folder)?;
        source.map = statement.map(&path);
        let roots = Roots::everywhere();
        let mut compilation = compile(CompileRequest {
            scope: Scope::Rows { name: view, limit: None },
            ruleset: asking.ruleset,
            memory: asking.memory,
            tracing: asking.tracing,
            roots: &roots,
            ..CompileRequest::new(source, asking.workers)
        })?;
        let placed =
            compilation.diagnostics.drain(..).map(|found| place(found, statement, &text, &relations));
        compilation.diagnostics = placed.collect();
        compilation.must_be_sound()?;
        Ok((compilation, made))
    }

    /// The tables that a query reads.
    ///
    /// # Errors
    /// For the first that is not there.
    fn inputs(
        &self,
        statement: &Statement,
        query: Option<&Query>,
        text: &str,
        workers: &Workers,
    ) -> Result<(Vec<InputRelation>, Option<TempDir>)> {
        let (mut made, mut inputs) = (None, Vec::new());
        let relations = query.map(Query::relations).unwrap_or_default();
        let tables = if relations.is_empty() { BTreeSet::new() } else { self.tables() };
        for relation in relations {
            let location = match tables.iter().find(|table| table.is_called(&relation)) {
                Some(table) => table.location(),
                None => {
                    let folder = made_folder(&mut made)?;
                    let location = catalog::write(&relation, self, folder, workers)?;
                    location.ok_or_else(|| self.unknown(&relation, statement, query, text))?
                }
            };
            inputs.push(InputRelation {
                logical_name: relation,
                version_pin: self.versions.get(&location).copied(),
                delta_location: Some(location),
                ..InputRelation::default()
            });
        }
        Ok((inputs, made))
    }

    /// The error for a table that is not there.
    fn unknown(
        &self,
        relation: &str,
        statement: &Statement,
        query: Option<&Query>,
        text: &str,
    ) -> PipelineError {
        let message = format!("there is no table `{relation}` in `{}`", self.folder.display());
        let names: BTreeSet<String> = self.tables().iter().map(super::LakeTable::sql_name).collect();
        let all: BTreeSet<String> = names.iter().cloned().chain(catalog::names()).collect();
        let nearest = ir::diag::nearest_name(relation, all.iter().map(String::as_str)).map(str::to_owned);
        let found = Diagnostic::new(codes::UNKNOWN_TABLE, message).found(relation).allowed(names);
        let found = match nearest {
            Some(nearest) => found.suggestion(nearest),
            None => found.help("`SHOW TABLES` lists those that there are"),
        };
        let bytes = match &statement.kind {
            Kind::Describe(_) => None,
            _ => query.and_then(|query| query.place_of_relation(relation, text)),
        };
        statement.refused(found, bytes)
    }
}

/// The folder for tables that are made for a query.
fn made_folder(made: &mut Option<TempDir>) -> Result<&std::path::Path> {
    if made.is_none() {
        let folder = tempfile::tempdir().map_err(|error| {
            PipelineError::file("create a folder for a query in", &std::env::temp_dir(), error)
        })?;
        *made = Some(folder);
    }
    Ok(made.as_ref().map_or(std::path::Path::new(""), TempDir::path))
}

/// A name for the view that no relation of its query has.
fn free_name(query: &Query, relations: &BTreeSet<String>) -> String {
    if relations.contains(VIEW) { query.free_relation_name(VIEW) } else { VIEW.to_owned() }
}

fn spec_of(view: &str, query: String, inputs: Vec<InputRelation>, parameters: Vec<TypedParameter>) -> Spec {
    let view = ViewDefinition {
        name: view.to_owned(),
        view_kind: None,
        view_dependencies: None,
        transform: Transform::Sql(Sql { query }),
        output_schema: Default::default(),
        assertions: Vec::new(),
    };
    Spec {
        version: SPEC_VERSION,
        input_relations: inputs,
        view_definitions: vec![view],
        output_targets: Vec::new(),
        join_graph: Default::default(),
        tests: Vec::new(),
        rule_intents: Vec::new(),
        rulepack_profile: Default::default(),
        runtime: Default::default(),
        typed_parameters: parameters,
        rule_overlay: None,
        runtime_profile: None,
        session: Default::default(),
        cache_policy: None,
        maintenance: None,
    }
}

/// The parameters that a query has, of those that are given.
fn parameters(query: &Query, given: &[GivenParameter]) -> Vec<TypedParameter> {
    let parameter = |given: &GivenParameter| {
        let position: u32 = given.label.parse().ok()?;
        query.placeholders().contains(&format!("${position}")).then(|| TypedParameter {
            label: Some(given.label.clone()),
            target: ParameterTarget::PlaceholderPos { position },
            value: value(&given.value),
        })
    };
    given.iter().filter_map(parameter).collect()
}

/// A value in the type that it looks like: a whole number, a number, a truth value, or a text.
fn value(given: &GivenValue) -> ParameterValue {
    use serde_json::Value;
    let (text, typed) = match given {
        GivenValue::Text(text) => (text.clone(), serde_json::from_str(text).unwrap_or(Value::Null)),
        GivenValue::Typed(Value::String(text)) => return ParameterValue::Utf8(text.clone()),
        GivenValue::Typed(Value::Null) => return ParameterValue::Null { data_type: "utf8".to_owned() },
        GivenValue::Typed(typed) => (typed.to_string(), typed.clone()),
    };
    match typed {
        Value::Bool(value) => ParameterValue::Boolean(value),
        Value::Number(number) => match (number.as_i64(), number.as_f64().filter(|it| it.is_finite())) {
            (Some(whole), _) => ParameterValue::Int64(whole),
            (None, Some(value)) => ParameterValue::Float64(value),
            (None, None) => ParameterValue::Utf8(text),
        },
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => ParameterValue::Utf8(text),
    }
}

/// A finding with its place in the text: what is wrong with an input is wrong where the query names it.
fn place(found: Diagnostic, statement: &Statement, text: &str, relations: &BTreeSet<String>) -> Diagnostic {
    let found = in_words_of_queries(found);
    let segments = found.location.as_ref().map(|path| path.segments()).unwrap_or_default();
    let relation = match segments {
        [Segment::Field(list), Segment::Index(index), ..] if list == "input_relations" => {
            relations.iter().nth(*index)
        }
        _ => None,
    };
    let is_name = matches!(statement.kind, Kind::Describe(_));
    match relation {
        _ if is_name => found.at_bytes(statement.subject()),
        Some(relation) => {
            let query = Query::parse(text).ok();
            let bytes = query.and_then(|query| query.place_of_relation(relation, text));
            found.at_bytes(bytes.map_or_else(|| statement.subject(), |bytes| statement.placed(&bytes)))
        }
        None => found,
    }
}

/// What helps, where a query is no part of a spec.
fn in_words_of_queries(found: Diagnostic) -> Diagnostic {
    if found.code == codes::UNBOUND_PLACEHOLDER {
        return found.help("give it one: `--param 1=VALUE`, or `.param 1 VALUE` in the shell");
    }
    if found.code == codes::NOT_READ_ONLY {
        let help = "queries read: SELECT, WITH, VALUES; besides these there are EXPLAIN [ANALYZE], DESCRIBE, SHOW TABLES \
                    and SHOW FUNCTIONS";
        return found.help(help);
    }
    found
}
