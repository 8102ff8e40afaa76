//! The commands, one file each, and what they have in common.
//!
//! | folder | commands |
//! |---|---|
//! | data | those that make tables, or tell of it: build, extract, preview, replay, run, runs, show, test |
//! | sql | statements about the tables of a lake, and the shell for them |
//! | stages | those that look into the compiler: check, compile, pass, session, trace, verify, watch |
//! | lsp | the protocol of editors |
//! | reference | those that print what the program knows, or its user told it: completions, config, explain, passes, schema |

mod data;
mod export;
mod lsp;
mod reference;
mod rows;
mod sql;
mod stages;

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::SessionOptions;
use ir::diag::{SourceMap, SourceName};
use pipeline::configuration::{Configuration, Environment, Given, Key, SETTINGS, Value};
use pipeline::{Cancellation, Memory, Ruleset, Source, WorkerOptions, Workers, read_parameters};

use crate::cli::{Command, Format, Globals, ParameterArgs};
use crate::failure::Failure;
use crate::signals;
use crate::telemetry::Telemetry;
use crate::terminal::Console;

/// What every command has at hand.
pub(crate) struct Context<'a> {
    /// The streams results and messages go to.
    pub(crate) console: Console<'a>,
    /// Where `-` reads from.
    pub(crate) stdin: &'a mut dyn Read,
    /// Who is told of what the command does.
    pub(crate) telemetry: Telemetry,
    globals: Globals,
    environment: Environment,
    configuration: OnceCell<Configuration>,
    workers: OnceCell<Arc<Workers>>,
    /// What one compilation leaves for the next, where there are several.
    memory: Option<Arc<Memory>>,
}

impl<'a> Context<'a> {
    /// A context in which nothing has been started.
    pub(crate) fn new(
        globals: Globals,
        environment: Environment,
        console: Console<'a>,
        stdin: &'a mut dyn Read,
    ) -> Self {
        Self {
            console,
            stdin,
            telemetry: Telemetry::off(),
            globals,
            environment,
            configuration: OnceCell::new(),
            workers: OnceCell::new(),
            memory: None,
        }
    }

    /// What command line, environment and configuration say together. Read when it is asked for first.
    pub(crate) fn configuration(&self) -> Result<&Configuration, Failure> {
        if let Some(configuration) = self.configuration.get() {
            return Ok(configuration);
        }
        let configuration = Configuration::of(&given(&self.globals)?, &self.environment)?;
        Ok(self.configuration.get_or_init(|| configuration))
    }

    /// The lake that the command line names, or else the configuration.
    pub(crate) fn lake(&self, named: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
        match named {
            Some(named) => Ok(Some(named.to_owned())),
            None => Ok(self.configuration()?.lake().map(Path::to_path_buf)),
        }
    }

    /// Says so when there is a configuration in a folder that somebody else may have made: it is not read.
    pub(crate) fn warn_of_configuration_in(&mut self, folder: &Path) -> Result<(), Failure> {
        if let Some((found, map)) = self.configuration()?.not_read(folder) {
            self.console.diagnose(&[found], &map);
        }
        Ok(())
    }

    /// The threads of the program. From the first call on Ctrl-C stops them and no longer the program, so what is read
    /// from stdin must be read before.
    pub(crate) fn workers(&self) -> Result<&Arc<Workers>, Failure> {
        if let Some(workers) = self.workers.get() {
            return Ok(workers);
        }
        let cancellation = Cancellation::new();
        let workers = self.new_workers(cancellation.clone())?;
        signals::watch(cancellation)
            .map_err(|error| Failure::User(format!("cannot listen for signals: {error}")))?;
        Ok(self.workers.get_or_init(|| Arc::new(workers)))
    }

    /// Threads of their own, which this switch stops. Whoever asks for them listens for signals.
    pub(crate) fn new_workers(&self, cancellation: Cancellation) -> Result<Workers, Failure> {
        Ok(Workers::new(self.worker_options()?, cancellation))
    }

    /// The user's folder for what programs keep; nothing where the environment names none.
    pub(crate) fn state_folder(&self) -> Option<PathBuf> {
        self.environment.state_folder()
    }

    /// The command that shows texts page by page, if the user has one.
    pub(crate) fn pager(&self) -> Option<&OsStr> {
        self.environment.pager()
    }

    /// From now on compilations leave what they find out for the next.
    pub(crate) fn remember(&mut self) {
        self.memory = Some(Arc::default());
    }

    /// What earlier compilations have left; nothing where there is one only.
    pub(crate) fn memory(&self) -> Option<&Memory> {
        self.memory.as_deref()
    }

    /// What work may use.
    fn worker_options(&self) -> Result<WorkerOptions, Failure> {
        let configuration = self.configuration()?;
        let mut session = configuration.session(SessionOptions::for_this_machine());
        session.is_whole_process = true;
        let seconds = self.globals.no_progress_timeout;
        let no_progress_timeout = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
        let lock_timeout = Duration::from_secs(self.globals.lock_timeout.into());
        let roots = configuration.roots()?;
        Ok(WorkerOptions { session, roots, no_progress_timeout, lock_timeout, ..WorkerOptions::default() })
    }

    /// Which passes run.
    pub(crate) fn ruleset(&self) -> Ruleset<'static> {
        let default = Ruleset::default();
        Ruleset { verify_passes: self.verify_on_request() || default.verify_passes, ..default }
    }

    /// Whether the command line asks for the graph to be verified after every pass.
    pub(crate) fn verify_on_request(&self) -> bool {
        self.globals.verify_passes
    }

    /// Reads a spec with the values that the command line gives to its parameters.
    pub(crate) fn read_spec_with(
        &mut self,
        path: &Path,
        parameters: &ParameterArgs,
    ) -> Result<Source, Failure> {
        let source = self.read_spec(path)?;
        let ParameterArgs { param, params } = parameters;
        let mut given = params.as_deref().map(read_parameters).transpose()?.unwrap_or_default();
        given.retain(|of_file| param.iter().all(|other| other.label != of_file.label));
        given.extend(param.iter().cloned());
        Ok(source.with_parameters(&given))
    }

    /// Reads a spec from a file, or from stdin for `-`.
    pub(crate) fn read_spec(&mut self, path: &Path) -> Result<Source, Failure> {
        let is_stdin = path.as_os_str() == "-";
        let source = if is_stdin { Source::read("<stdin>", &mut *self.stdin) } else { Source::open(path) };
        let source = source?;
        self.warn_of_configuration_in(&source.base_dir)?;
        self.telemetry.spec_is_read(&source)?;
        Ok(source)
    }

    /// Says what the session is, for those who want to know.
    pub(crate) fn describe_session(&mut self) -> Result<(), Failure> {
        if self.console.is_verbose() {
            let session = engine::Session::new(self.worker_options()?.session)
                .map_err(|error| Failure::User(error.to_string()))?;
            let lines = session.describe().into_iter().map(|(key, value)| format!("  {key} = {value}\n"));
            let text: String = lines.collect();
            self.console.note(&format!("session:\n{text}"));
        }
        Ok(())
    }
}

/// What the command line says of what can be configured.
fn given(globals: &Globals) -> Result<Given, Failure> {
    let mut values = Vec::new();
    values.extend(globals.profile.map(|profile| (Key::Profile, Value::Word(profile.name()))));
    values.extend(globals.threads.map(|threads| (Key::Threads, Value::Number(threads))));
    values.extend(globals.memory_limit.map(|bytes| (Key::MemoryLimit, Value::Number(bytes))));
    values.extend(globals.spill_limit.map(|bytes| (Key::SpillLimit, Value::Number(bytes))));
    let spill = globals.spill_dir.iter().map(|folder| (Key::SpillDir, folder));
    let readable = globals.allow_read.iter().map(|folder| (Key::Readable, folder));
    let writable = globals.allow.iter().map(|folder| (Key::Writable, folder));
    for (key, folder) in spill.chain(readable).chain(writable) {
        values.push((key, given_folder(key, folder)?));
    }
    Ok(Given { file: globals.config.clone(), values })
}

/// The folder that an option names.
fn given_folder(key: Key, folder: &Path) -> Result<Value, Failure> {
    let (Some(text), Some(setting)) = (folder.to_str(), SETTINGS.iter().find(|setting| setting.key == key))
    else {
        let absolute = std::path::absolute(folder);
        return absolute.map(Value::Folder).map_err(|error| Failure::file("find the folder", folder, &error));
    };
    let refused = |reason| Failure::Usage(format!("`{}` cannot be used: {reason}", setting.option));
    setting.parse(text).map_err(refused)
}

/// Runs a command, and tells of it whom the command line says.
pub(crate) fn dispatch(command: Command, context: &mut Context<'_>) -> Result<(), Failure> {
    has_form(&command, context.console.format)?;
    context.telemetry = Telemetry::open(&context.globals, &command)?;
    let outcome = execute(command, context);
    let missing = context.telemetry.end(&outcome);
    context.console.diagnose(&missing, &SourceMap::new(SourceName::new("telemetry"), ""));
    outcome
}

/// Refuses forms that what a command gives does not have.
fn has_form(command: &Command, format: Format) -> Result<(), Failure> {
    let name = format.name();
    match command {
        Command::Export(_) if format.is_of_graphs() => Ok(()),
        Command::Export(_) => {
            let message = "say which form: `--format dot`, `graphml`, `jsonl`, `scip`, `parquet` or `coo`";
            Err(Failure::Usage(message.to_owned()))
        }
        Command::Sql(_) | Command::Ask(_) | Command::Preview(_) if format.is_of_rows() => Ok(()),
        _ if format.is_of_all() => Ok(()),
        _ if format.is_of_rows() => Err(Failure::Usage(format!(
            "`--format {name}` is for `sql`, `ask` and `preview` only; use text or json"
        ))),
        _ => Err(Failure::Usage(format!("`--format {name}` is for `export` only; use text or json"))),
    }
}

fn execute(command: Command, context: &mut Context<'_>) -> Result<(), Failure> {
    match command {
        Command::Build(arguments) => data::build::run(&arguments, context),
        Command::Run(arguments) => data::run::run(&arguments, context),
        Command::Check(arguments) => stages::check::run(&arguments, context),
        Command::Preview(arguments) => data::preview::run(&arguments, context),
        Command::Watch(arguments) => stages::watch::run(&arguments, context),
        Command::Lsp => lsp::run(context),
        Command::Compile(arguments) => stages::compile::run(&arguments, context),
        Command::Pass(arguments) => stages::pass::run(&arguments, context),
        Command::Verify(arguments) => stages::verify::run(&arguments, context),
        Command::Trace(arguments) => stages::trace::run(&arguments, context),
        Command::Test(arguments) => data::test::run(&arguments, context),
        Command::Sql(arguments) => sql::run(&arguments, context),
        Command::Ask(arguments) => sql::ask::run(&arguments, context),
        Command::Export(arguments) => export::run(&arguments, context),
        Command::Runs(arguments) => data::runs::run(&arguments, context),
        Command::Show(arguments) => data::runs::show(&arguments, context),
        Command::Replay(arguments) => data::replay::run(&arguments, context),
        Command::Extract(arguments) => data::extract::run(&arguments, context),
        Command::Session(arguments) => stages::session::run(&arguments, context),
        Command::Config => reference::config::run(context),
        Command::Schema(arguments) => reference::schema::run(&arguments, context),
        Command::Explain(arguments) => reference::explain::run(&arguments, context),
        Command::Passes => reference::passes::run(context),
        Command::Completions(arguments) => reference::completions::run(&arguments, context),
    }
}
