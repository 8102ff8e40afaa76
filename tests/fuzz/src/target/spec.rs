//! Specs: loaded, their findings drawn, and compiled over tables of which only the columns are there.

use arbitrary::{Result as Made, Unstructured};
use engine::TableRequest;
use ir::diag::{RenderOptions, render, resolve};
use ir::op::{Input as Relation, Read, Scan};
use ir::oracle::TableError;
use ir::schema::Schema;
use ir::spec::{Spec, load_bytes, spec_hash};
use passes::Options;
use pipeline::on_deep_stack;

use super::{Input, Program, loses_nothing};
use crate::corpus::Corpus;
use crate::edit::edited;
use crate::tree::of_schema;

/// Valid specs with edits; values of the schema of specs, with edits or without.
pub(super) fn input(u: &mut Unstructured<'_>, corpus: &Corpus) -> Made<Input> {
    let other = u.choose(&corpus.specs)?;
    let bytes = if u.ratio(1, 3)? {
        let grown = of_schema(u, &corpus.schema, &corpus.spec_values)?.to_string().into_bytes();
        if u.ratio(1, 3)? { edited(u, &grown, other, &corpus.words)? } else { grown }
    } else {
        let base = u.choose(&corpus.specs)?;
        edited(u, base, other, &corpus.words)?
    };
    Ok(Input::one("spec.yaml", bytes))
}

pub(super) fn read(bytes: &[u8], program: &Program, corpus: &Corpus) -> Result<(), String> {
    let loaded = load_bytes(bytes, "spec.yaml".into());
    let drawn = render(&loaded.diagnostics, &loaded.source, RenderOptions { color: true });
    let json = serde_json::to_string(&resolve(&loaded.diagnostics, &loaded.source));
    json.map_err(|error| format!("findings have no JSON form: {error}\n{drawn}"))?;
    let has_errors = loaded.has_errors();
    let Some(spec) = loaded.spec else { return Ok(()) };
    if !has_errors {
        reloads(&spec)?;
    }
    let oracle = program.oracle(corpus);
    let options = Options {
        verify: true,
        stop_after: None,
        findings: &loaded.diagnostics,
        unread: Some(&loaded.unread),
        history: None,
        queries: None,
    };
    let compiled = on_deep_stack(|| -> Result<_, String> {
        let begun =
            passes::begin(&spec, "spec", &oracle, options, &mut ()).map_err(|error| error.to_string())?;
        loses_nothing(begun.graph())?;
        let _ = TableRequest::of_graph(begun.graph());
        passes::resume(begun, &oracle, options, &mut ()).map_err(|error| error.to_string())
    });
    let compiled = compiled.map_err(|error| error.to_string())??;
    let _ = render(&compiled.diagnostics, &loaded.source, RenderOptions { color: false });
    loses_nothing(&compiled.graph)
}

/// A spec without mistakes is the same when it is written as JSON and loaded again.
fn reloads(spec: &Spec) -> Result<(), String> {
    let json = serde_json::to_vec(spec).map_err(|error| format!("a spec has no JSON form: {error}"))?;
    let again = load_bytes(&json, "spec.json".into());
    match again.spec {
        Some(again) if spec_hash(&again) == spec_hash(spec) => Ok(()),
        Some(_) => Err(format!("a spec written as JSON is another one: {}", String::from_utf8_lossy(&json))),
        None => Err(format!("a spec written as JSON is refused: {:?}", again.diagnostics)),
    }
}

/// The columns of a table of the corpus: of the one at the place, else of any.
pub(super) fn known_columns(
    tables: &[(Scan, Schema)],
    input: &Relation,
    read: &Read,
) -> Result<(Scan, Schema), TableError> {
    let at_location = tables.iter().find(|(scan, _)| scan.location == input.location);
    let (scan, schema) =
        at_location.or(tables.first()).ok_or_else(|| TableError::NotFound(input.location.clone()))?;
    match read {
        Read::Rows => {
            let version = input.version.unwrap_or(scan.version);
            Ok((Scan { location: input.location.clone(), version, ..scan.clone() }, schema.clone()))
        }
        Read::Changes(_) => Err(TableError::NoChangeFeed),
        Read::Metadata | Read::Files => Err(TableError::Unreadable("only columns are there".to_owned())),
    }
}
