//! What a compilation found out about operations and expressions, for the next one.
//!
//! A proof stands under the digest of its whole question: the operation with all its expressions and the schemas of its
//! inputs. So a view that did not change, over inputs whose columns did not change, is found again; anything else is a
//! question that was never asked. Only what is true whoever asks is kept: no mistakes, whose texts name things of their
//! spec, and no plans.

use rkyv::rancor;

use super::{ArchiveError, damaged, open, seal};
use crate::schema::Schema;

/// The first bytes of a file of proofs.
const MAGIC: [u8; 8] = *b"CODEANPR";

/// Proofs that hold for one envelope.
#[derive(Clone, Debug, Default, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Proofs {
    /// The digest of everything that decides an answer besides its question: program, engine, settings, functions.
    pub envelope: [u8; 32],
    /// The schemas that proofs refer to, each once.
    pub schemas: Vec<Schema>,
    /// What is known about operations.
    pub operations: Vec<ProvenOperation>,
    /// What is known about expressions.
    pub expressions: Vec<ProvenExpression>,
}

/// An operation that fits its inputs.
#[derive(Clone, Debug, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct ProvenOperation {
    /// The digest of the question.
    pub question: [u8; 32],
    /// Its schema, as an index into [`Proofs::schemas`].
    pub schema: u32,
    /// Whether it may give other rows at every execution.
    pub is_volatile: bool,
}

/// An expression that fits the columns it is over.
#[derive(Clone, Debug, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct ProvenExpression {
    /// The digest of the question.
    pub question: [u8; 32],
    /// Its type, as the only column of a schema in [`Proofs::schemas`].
    pub schema: u32,
}

/// The archived form of proofs.
///
/// # Errors
/// When the archive would be larger than rkyv's 2 GiB offsets allow.
pub fn write_proofs(proofs: &Proofs) -> Result<Vec<u8>, ArchiveError> {
    let body = rkyv::to_bytes::<rancor::Error>(proofs).map_err(damaged)?;
    Ok(seal(MAGIC, &body))
}

/// Reads archived proofs.
///
/// # Errors
/// When the bytes are not an archive of proofs, have another format version or are damaged.
pub fn read_proofs(bytes: &[u8]) -> Result<Proofs, ArchiveError> {
    let proofs = rkyv::from_bytes::<Proofs, rancor::Error>(&open(MAGIC, bytes)?).map_err(damaged)?;
    let indices = proofs.operations.iter().map(|proof| proof.schema);
    let mut indices = indices.chain(proofs.expressions.iter().map(|proof| proof.schema));
    if indices.any(|index| index as usize >= proofs.schemas.len()) {
        return Err(ArchiveError::Damaged("a proof names a schema that is not there".to_owned()));
    }
    Ok(proofs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proofs() -> Proofs {
        Proofs {
            envelope: [7; 32],
            schemas: vec![Schema::parse("{a Int64!, b Utf8}").unwrap()],
            operations: vec![ProvenOperation { question: [1; 32], schema: 0, is_volatile: true }],
            expressions: vec![ProvenExpression { question: [2; 32], schema: 0 }],
        }
    }

    #[test]
    fn proofs_are_read_as_they_were_written() {
        assert_eq!(read_proofs(&write_proofs(&proofs()).unwrap()).unwrap(), proofs());
    }

    #[test]
    fn damage_at_any_byte_is_found() {
        let bytes = write_proofs(&proofs()).unwrap();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(read_proofs(&damaged).is_err(), "byte {at}");
            assert!(read_proofs(&bytes[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn graphs_and_proofs_are_told_apart() {
        let graph = super::super::write(&crate::graph::Graph::new("g")).unwrap();
        assert!(matches!(read_proofs(&graph), Err(ArchiveError::Foreign(_))));
        let bytes = write_proofs(&proofs()).unwrap();
        assert!(matches!(super::super::read(&bytes), Err(ArchiveError::Foreign(_))));
    }

    #[test]
    fn an_index_out_of_range_is_damage() {
        let mut wrong = proofs();
        wrong.expressions[0].schema = 1;
        assert!(matches!(read_proofs(&write_proofs(&wrong).unwrap()), Err(ArchiveError::Damaged(_))));
    }
}
