//! Archives of graphs and of proofs: read, and what was read is printed and written again.

use arbitrary::{Result as Made, Unstructured};
use ir::archive::{self, Proofs, ProvenExpression, ProvenOperation};
use ir::determinism::Determinism;
use ir::text::parse;

use super::{Input, loses_nothing, text};
use crate::corpus::Corpus;
use crate::edit::edited;

/// How long the header of an archive is, and where its checksum lies.
const HEADER: usize = 32;
const CHECKSUM: std::ops::Range<usize> = 12..HEADER;

/// Archives with edits below a header that is right again, most of the time; of graphs of the corpus, of graphs of texts
/// with edits, and of proofs.
pub(super) fn input(u: &mut Unstructured<'_>, corpus: &Corpus) -> Made<Input> {
    let base = match u.int_in_range(0..=3)? {
        0 => archive::write_proofs(&proofs(u, corpus)?).unwrap_or_default(),
        1 => {
            let text = text::any_text(u, corpus)?;
            let graph = std::str::from_utf8(&text).ok().and_then(|text| parse(text).ok());
            graph.and_then(|parsed| archive::write(&parsed.graph).ok()).unwrap_or_default()
        }
        _ => u.choose(&corpus.archives)?.clone(),
    };
    let other = u.choose(&corpus.archives)?;
    if base.len() <= HEADER || u.ratio(1, 16)? {
        return Ok(Input::one("graph.bin", edited(u, &base, other, &corpus.words)?));
    }
    let (header, body) = base.split_at(HEADER);
    let body = if u.ratio(1, 2)? { offsets(u, body)? } else { edited(u, body, other, &corpus.words)? };
    let mut bytes = [header, &body].concat();
    let checksum = blake3::hash(&body);
    bytes.splice(CHECKSUM, checksum.as_bytes().iter().copied().take(CHECKSUM.len()));
    Ok(Input::one("graph.bin", bytes))
}

/// Changes words of four bytes, as offsets and lengths are, and the root at the end more often than others.
fn offsets(u: &mut Unstructured<'_>, body: &[u8]) -> Made<Vec<u8>> {
    let mut body = body.to_vec();
    for _ in 0..u.int_in_range(1..=3)? {
        let last = body.len() / 4;
        let word = if u.ratio(1, 3)? {
            last.saturating_sub(u.int_in_range(1..=48)?)
        } else {
            u.int_in_range(0..=last)?
        };
        let Some(place) = body.get_mut(word * 4..word * 4 + 4) else { continue };
        let old = i32::from_le_bytes([place[0], place[1], place[2], place[3]]);
        let new = match u.int_in_range(0..=5)? {
            0 => i32::MAX,
            1 => i32::MIN,
            2 => 0,
            3 => u.arbitrary()?,
            4 => old.wrapping_mul(2),
            _ => old.wrapping_add(u.int_in_range(-64..=64)?),
        };
        place.copy_from_slice(&new.to_le_bytes());
    }
    Ok(body)
}

fn proofs(u: &mut Unstructured<'_>, corpus: &Corpus) -> Made<Proofs> {
    let mut proofs = Proofs { envelope: u.arbitrary()?, ..Proofs::default() };
    for _ in 0..u.int_in_range(1..=6)? {
        let (_, schema) = u.choose(&corpus.columns)?;
        let index = u32::try_from(proofs.schemas.len()).unwrap_or(0);
        proofs.schemas.push(schema.clone());
        let determinism = *u.choose(&[Determinism::Deterministic, Determinism::Volatile])?;
        proofs.operations.push(ProvenOperation { question: u.arbitrary()?, schema: index, determinism });
        proofs.expressions.push(ProvenExpression { question: u.arbitrary()?, schema: index });
    }
    Ok(proofs)
}

pub(super) fn read(bytes: &[u8]) -> Result<(), String> {
    if let Ok(proofs) = archive::read_proofs(bytes) {
        let again = archive::write_proofs(&proofs).and_then(|bytes| archive::read_proofs(&bytes));
        let mut sum = Proofs::default();
        sum.add(&proofs);
        if again.map_err(|error| error.to_string())? != proofs {
            return Err("proofs that are written again are other ones".to_owned());
        }
    }
    match archive::read(bytes) {
        Ok(graph) => loses_nothing(&graph),
        Err(_) => Ok(()),
    }
}
