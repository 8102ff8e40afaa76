//! `driver lsp`: the Language Server Protocol over stdin and stdout, for editors.
//!
//! | module | does |
//! |---|---|
//! | documents | the open documents |
//! | checks | checks them in the background |
//! | positions | bytes as positions of the protocol |
//!
//! Answers come from [`pipeline::editor`]. Nothing is written to stdout but messages.

mod checks;
mod documents;
mod positions;

use std::sync::Arc;

use lsp_server::{Connection, ErrorCode, Message, Notification, ProtocolError, Request, Response};
use lsp_types::notification::{
    DidChangeTextDocument, DidCloseTextDocument, DidOpenTextDocument, DidSaveTextDocument, Notification as _,
    PublishDiagnostics,
};
use lsp_types::request::{
    Completion as CompletionMethod, DocumentSymbolRequest, GotoDefinition, HoverRequest, Request as _,
};
use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionOptions, DidChangeTextDocumentParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams, DocumentSymbol,
    Documentation, HoverContents, HoverProviderCapability, Location, MarkupContent, MarkupKind, OneOf,
    PublishDiagnosticsParams, SaveOptions, ServerCapabilities, SymbolKind, TextDocumentPositionParams,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions, TextDocumentSyncSaveOptions,
    Uri,
};
use pipeline::editor::{CompletionKind, Outline, completions, definition, hover};
use pipeline::record::PartKind;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::checks::Checks;
use self::documents::{Document, Documents};
use self::positions::{byte_at, range};
use crate::commands::Context;
use crate::failure::Failure;

pub(in crate::commands) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let workers = Arc::clone(context.workers()?);
    let (connection, threads) = Connection::stdio();
    let served = serve(&connection, &workers);
    workers.cancellation().cancel();
    // The threads of the connection end with its channels.
    drop(connection);
    let ended = threads.join().map_err(|error| Failure::output("stdout", &error));
    served.and(ended)
}

/// Answers until the editor ends the session.
fn serve(connection: &Connection, workers: &Arc<pipeline::Workers>) -> Result<(), Failure> {
    let capabilities = serde_json::to_value(capabilities());
    let capabilities = capabilities.map_err(|error| Failure::Bug(format!("no capabilities: {error}")))?;
    let (id, _) = connection.initialize_start().map_err(broken)?;
    let answer = json!({
        "capabilities": capabilities,
        "serverInfo": {"name": "codeanatomy", "version": env!("CARGO_PKG_VERSION")},
    });
    connection.initialize_finish(id, answer).map_err(broken)?;
    let documents = Arc::new(Documents::default());
    let sender = connection.sender.clone();
    let outbox: checks::Outbox = Arc::new(move |message| {
        // Without an editor nobody waits for it.
        let _gone = sender.send(message);
    });
    let checks = Checks::start(Arc::clone(&documents), Arc::clone(workers), Arc::clone(&outbox))?;
    let mut has_shut_down = false;
    for message in &connection.receiver {
        match message {
            Message::Request(request) => {
                if connection.handle_shutdown(&request).map_err(broken)? {
                    has_shut_down = true;
                    break;
                }
                outbox(answer_to(request, &documents).into());
            }
            Message::Notification(notification) => noted(notification, &documents, &checks, &outbox),
            Message::Response(_) => {}
        }
    }
    workers.cancellation().cancel();
    checks.end()?;
    // An editor that went away without a word has ended the session as well, and is told by the exit code.
    if has_shut_down { Ok(()) } else { Err(Failure::Reported) }
}

fn broken(error: ProtocolError) -> Failure {
    Failure::User(format!("the editor does not speak the protocol: {error}"))
}

fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
            ..TextDocumentSyncOptions::default()
        })),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some([" ", "\"", ",", "[", "("].map(str::to_owned).to_vec()),
            ..CompletionOptions::default()
        }),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        ..ServerCapabilities::default()
    }
}

/// Takes in what the editor tells.
fn noted(notification: Notification, documents: &Documents, checks: &Checks, outbox: &checks::Outbox) {
    match notification.method.as_str() {
        DidOpenTextDocument::METHOD => {
            let Some(DidOpenTextDocumentParams { text_document }) = parameters(notification.params) else {
                return;
            };
            let document = Document::new(text_document.text, text_document.version);
            documents.lock().insert(text_document.uri.as_str().to_owned(), document);
            checks.ask(&text_document.uri);
        }
        DidChangeTextDocument::METHOD => {
            let Some(changed) = parameters::<DidChangeTextDocumentParams>(notification.params) else {
                return;
            };
            let uri = changed.text_document.uri;
            if let Some(document) = documents.lock().get_mut(uri.as_str()) {
                document.change(changed.content_changes, changed.text_document.version);
            }
            checks.ask(&uri);
        }
        DidSaveTextDocument::METHOD => {
            let Some(saved) = parameters::<DidSaveTextDocumentParams>(notification.params) else { return };
            checks.ask(&saved.text_document.uri);
        }
        DidCloseTextDocument::METHOD => {
            let Some(closed) = parameters::<DidCloseTextDocumentParams>(notification.params) else { return };
            let uri = closed.text_document.uri;
            documents.lock().remove(uri.as_str());
            checks.ask(&uri);
            let none = PublishDiagnosticsParams { uri, diagnostics: Vec::new(), version: None };
            outbox(Notification::new(PublishDiagnostics::METHOD.to_owned(), none).into());
        }
        _ => {}
    }
}

/// Parameters that are none are passed over: there is nobody to tell.
fn parameters<P: DeserializeOwned>(value: Value) -> Option<P> {
    serde_json::from_value(value).ok()
}

/// The answer to a request.
fn answer_to(request: Request, documents: &Documents) -> Response {
    let Request { id, method, params } = request;
    let answer: fn(&Document, usize, &Uri) -> Value = match method.as_str() {
        CompletionMethod::METHOD => completed,
        HoverRequest::METHOD => hovered,
        GotoDefinition::METHOD => defined,
        DocumentSymbolRequest::METHOD => return Response::new_ok(id, symbols(&params, documents)),
        _ => {
            let message = format!("`{method}` is not supported");
            return Response::new_err(id, ErrorCode::MethodNotFound as i32, message);
        }
    };
    let at = match serde_json::from_value::<TextDocumentPositionParams>(params) {
        Ok(at) => at,
        Err(error) => {
            return Response::new_err(id, ErrorCode::InvalidParams as i32, error.to_string());
        }
    };
    let documents = documents.lock();
    let uri = &at.text_document.uri;
    let document = documents.get(uri.as_str());
    let result =
        document.map_or(Value::Null, |document| answer(document, byte_at(&document.text, at.position), uri));
    Response::new_ok(id, result)
}

fn completed(document: &Document, byte: usize, _: &Uri) -> Value {
    let found = completions(&document.text, byte, &document.known, document.outline.as_ref());
    let items = found.into_iter().map(|completion| CompletionItem {
        kind: Some(match completion.kind {
            CompletionKind::Column => CompletionItemKind::FIELD,
            CompletionKind::Relation => CompletionItemKind::CLASS,
            CompletionKind::Value => CompletionItemKind::ENUM_MEMBER,
            CompletionKind::Field => CompletionItemKind::PROPERTY,
            CompletionKind::Function => CompletionItemKind::FUNCTION,
        }),
        // What is nearer to the text comes first.
        sort_text: Some(format!("{}{}", completion.kind as u8, completion.text)),
        label: completion.text,
        detail: completion.detail,
        documentation: completion.about.map(Documentation::String),
        ..CompletionItem::default()
    });
    json!(items.collect::<Vec<_>>())
}

fn hovered(document: &Document, byte: usize, _: &Uri) -> Value {
    let found = hover(&document.text, byte, &document.known);
    json!(found.map(|found| lsp_types::Hover {
        contents: HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value: found.text }),
        range: Some(range(&document.text, &found.bytes)),
    }))
}

fn defined(document: &Document, byte: usize, uri: &Uri) -> Value {
    let Some(outline) = &document.outline else { return Value::Null };
    let found = definition(&document.text, byte, outline);
    json!(found.map(|named| Location::new(uri.clone(), range(outline.text(), &named.name_bytes))))
}

fn symbols(params: &Value, documents: &Documents) -> Value {
    let uri = params.get("textDocument").and_then(|it| it.get("uri")).and_then(Value::as_str);
    let documents = documents.lock();
    let outline = uri.and_then(|uri| documents.get(uri)?.outline.as_ref());
    json!(
        outline.map(|outline| outline.definitions().iter().map(|it| symbol(it, outline)).collect::<Vec<_>>())
    )
}

#[expect(
    deprecated,
    reason = "the protocol's type has a field that is deprecated, and no way to leave it out"
)]
fn symbol(named: &pipeline::editor::Named, outline: &Outline) -> DocumentSymbol {
    DocumentSymbol {
        name: named.name.clone(),
        detail: Some(named.kind.name().to_owned()),
        kind: match named.kind {
            PartKind::Input => SymbolKind::INTERFACE,
            PartKind::View => SymbolKind::CLASS,
            PartKind::Output => SymbolKind::FILE,
            PartKind::Assertion => SymbolKind::EVENT,
        },
        tags: None,
        deprecated: None,
        range: range(outline.text(), &named.bytes),
        selection_range: range(outline.text(), &named.name_bytes),
        children: None,
    }
}
