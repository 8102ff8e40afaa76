//! `driver ask`: famous questions about a code graph. Each is one query, which stands beside the shipped specs.

use clap::ValueEnum as _;
use ir::spec::{GivenParameter, GivenValue};

use crate::cli::{AskArgs, ParameterArgs, Question, SqlArgs};
use crate::commands::Context;
use crate::failure::Failure;

/// How a question is asked.
struct Form {
    query: &'static str,
    /// How many names it is about.
    names: usize,
    /// How many steps are followed, where any are.
    depth: Option<u32>,
}

fn form(question: Question) -> Form {
    let (query, names, depth) = match question {
        Question::Callers => (include_str!("../../../questions/callers.sql"), 1, Some(1)),
        Question::Callees => (include_str!("../../../questions/callees.sql"), 1, Some(1)),
        Question::References => (include_str!("../../../questions/references.sql"), 1, None),
        Question::Subclasses => (include_str!("../../../questions/subclasses.sql"), 1, Some(64)),
        Question::Impact => (include_str!("../../../questions/impact.sql"), 1, Some(64)),
        Question::Path => (include_str!("../../../questions/path.sql"), 2, Some(12)),
        Question::Unused => (include_str!("../../../questions/unused.sql"), 0, None),
        Question::Cycles => (include_str!("../../../questions/cycles.sql"), 0, None),
        Question::Overrides => (include_str!("../../../questions/overrides.sql"), 1, None),
        Question::Tests => (include_str!("../../../questions/tests.sql"), 1, Some(3)),
    };
    Form { query, names, depth }
}

pub(in crate::commands) fn run(arguments: &AskArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let form = form(arguments.question);
    if arguments.show_query {
        return context.console.print(form.query);
    }
    let parameters = parameters(arguments, &form)?;
    let asked = SqlArgs {
        query: Some(form.query.to_owned()),
        command: None,
        file: None,
        answers: arguments.answers.clone(),
        parameters: ParameterArgs { param: parameters, params: None },
        timing: false,
    };
    super::run(&asked, context)
}

/// The values of `$1`, `$2` and `$3`.
fn parameters(arguments: &AskArgs, form: &Form) -> Result<Vec<GivenParameter>, Failure> {
    let question = arguments.question.to_possible_value();
    let question = question.as_ref().map_or("", |value| value.get_name());
    let given: Vec<&String> = arguments.name.iter().chain(&arguments.to).collect();
    if given.len() != form.names {
        let wanted = ["", " NAME", " NAME TO"].get(form.names).copied().unwrap_or_default();
        return Err(Failure::Usage(format!("the question is `driver ask {question}{wanted}`")));
    }
    let depth = match (form.depth, arguments.depth) {
        (None, Some(_)) => {
            return Err(Failure::Usage(format!("`{question}` follows no steps; leave `--depth` out")));
        }
        (usual, given) => given.or(usual),
    };
    let value = |label: &str, value: serde_json::Value| GivenParameter {
        label: label.to_owned(),
        value: GivenValue::Typed(value),
    };
    let names = given.into_iter().zip(["1", "3"]).map(|(name, label)| value(label, name.as_str().into()));
    Ok(names.chain(depth.map(|depth| value("2", depth.into()))).collect())
}
