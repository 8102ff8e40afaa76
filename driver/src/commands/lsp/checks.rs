//! Checking documents in the background.
//!
//! One thread checks. A document that changes is checked when nothing has changed for a while; what is found of a text that
//! has changed meanwhile is dropped.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;

use ir::diag::{ResolvedDiagnostic, Severity};
use lsp_types::notification::{LogMessage, Notification as _, PublishDiagnostics};
use lsp_types::{
    Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, LogMessageParams, MessageType,
    NumberOrString, PublishDiagnosticsParams, Uri,
};
use pipeline::editor::{DEBOUNCE, check};
use pipeline::{Memory, PipelineError, Workers};

use super::documents::{Documents, path_of};
use super::messages::Outbox;
use super::positions::range;
use crate::failure::{Failure, bug_report};

/// The thread that checks.
pub(super) struct Checks {
    asked: Sender<Uri>,
    thread: JoinHandle<()>,
}

impl Checks {
    /// Starts the thread.
    pub(super) fn start(
        documents: Arc<Documents>,
        workers: Arc<Workers>,
        outbox: Outbox,
    ) -> Result<Self, Failure> {
        let (asked, jobs) = channel();
        let checker = Checker { documents, workers, outbox, memories: BTreeMap::new() };
        let thread = std::thread::Builder::new().name("checks".to_owned()).spawn(move || checker.run(&jobs));
        let thread = thread.map_err(|error| Failure::User(format!("cannot start threads: {error}")))?;
        Ok(Self { asked, thread })
    }

    /// Asks for a document to be checked.
    pub(super) fn ask(&self, uri: &Uri) {
        // The thread ends when this does.
        let _ended = self.asked.send(uri.clone());
    }

    /// Ends the thread; a check that runs is stopped with the workers.
    pub(super) fn end(self) -> Result<(), Failure> {
        drop(self.asked);
        self.thread.join().map_err(|_| Failure::Bug("the thread that checks has panicked".to_owned()))
    }
}

struct Checker {
    documents: Arc<Documents>,
    workers: Arc<Workers>,
    outbox: Outbox,
    /// What the checks of each document leave for the next.
    memories: BTreeMap<String, Memory>,
}

impl Checker {
    fn run(mut self, jobs: &Receiver<Uri>) {
        while let Ok(first) = jobs.recv() {
            let mut asked = BTreeMap::from([(first.as_str().to_owned(), first)]);
            loop {
                match jobs.recv_timeout(DEBOUNCE) {
                    Ok(next) => {
                        asked.insert(next.as_str().to_owned(), next);
                    }
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            for uri in asked.into_values() {
                self.check(&uri);
            }
        }
    }

    fn check(&mut self, uri: &Uri) {
        let Some((text, version)) =
            self.documents.lock().get(uri.as_str()).map(|it| (it.text.clone(), it.version))
        else {
            self.memories.remove(uri.as_str());
            return;
        };
        let memory = self.memories.entry(uri.as_str().to_owned()).or_default();
        let path = path_of(uri);
        let checked = catch_unwind(AssertUnwindSafe(|| check(&text, &path, &self.workers, memory)));
        let checked = match checked {
            Ok(Ok(checked)) => checked,
            Ok(Err(PipelineError::Interrupted(_))) => return,
            Ok(Err(error)) => return self.log(error.to_string()),
            // The panic's own message is on stderr already. What was kept may be half made.
            Err(_) => {
                self.memories.remove(uri.as_str());
                return self.log(bug_report("a check has panicked"));
            }
        };
        let mut documents = self.documents.lock();
        let Some(document) = documents.get_mut(uri.as_str()).filter(|it| it.version == version) else {
            return;
        };
        let outline = document.outline.as_ref();
        let is_there = |name: &str| outline.is_none_or(|outline| outline.relation(name).is_some());
        document.known.update(checked.known, is_there);
        let diagnostics = checked.findings.iter().map(|found| diagnostic(found, &text, uri)).collect();
        let params = PublishDiagnosticsParams { uri: uri.clone(), diagnostics, version: Some(version) };
        self.notify(PublishDiagnostics::METHOD, params);
    }

    fn log(&self, message: String) {
        self.notify(LogMessage::METHOD, LogMessageParams { typ: MessageType::ERROR, message });
    }

    fn notify(&self, method: &str, params: impl serde::Serialize) {
        self.outbox.send(lsp_server::Notification::new(method.to_owned(), params));
    }
}

/// A finding as the protocol has it.
fn diagnostic(found: &ResolvedDiagnostic, text: &str, uri: &Uri) -> Diagnostic {
    let mut message = found.message.clone();
    if let Some(suggestion) = &found.suggestion {
        message.push_str(&format!("; did you mean `{suggestion}`?"));
    }
    if let Some(help) = &found.help {
        message.push_str(&format!("\n{help}"));
    }
    let related = found.related.iter().filter_map(|note| {
        let location = Location::new(uri.clone(), range(text, note.bytes.as_ref()?));
        Some(DiagnosticRelatedInformation { location, message: note.message.clone() })
    });
    let related: Vec<DiagnosticRelatedInformation> = related.collect();
    Diagnostic {
        range: range(text, &found.bytes.clone().unwrap_or(0..0)),
        severity: Some(match found.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
            Severity::Note => DiagnosticSeverity::INFORMATION,
        }),
        code: Some(NumberOrString::String(found.code.to_string())),
        source: Some("codeanatomy".to_owned()),
        message,
        related_information: (!related.is_empty()).then_some(related),
        ..Diagnostic::default()
    }
}
