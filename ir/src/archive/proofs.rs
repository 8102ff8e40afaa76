//! What a compilation found out about operations and expressions, for the next one.
//!
//! A proof stands under the digest of its whole question: the operation with all its expressions and the schemas of its
//! inputs. So a view that did not change, over inputs whose columns did not change, is found again; anything else is a
//! question that was never asked. Only what is true whoever asks is kept: no mistakes, whose texts name things of their
//! spec, and no plans.

use std::collections::{BTreeSet, HashMap};

use rkyv::rancor;

use super::{ArchiveError, damaged, open, seal};
use crate::determinism::Determinism;
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
    /// How far its rows are decided by those of its inputs.
    pub determinism: Determinism,
}

/// An expression that fits the columns it is over.
#[derive(Clone, Debug, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct ProvenExpression {
    /// The digest of the question.
    pub question: [u8; 32],
    /// Its type, as the only column of a schema in [`Proofs::schemas`].
    pub schema: u32,
}

impl Proofs {
    /// Adds the proofs of others whose questions have none here.
    pub fn add(&mut self, others: &Self) {
        let mut known: HashMap<Schema, u32> = self.schemas.iter().cloned().zip(0..).collect();
        let schemas = &mut self.schemas;
        let mut index_of = |index: u32| {
            let schema = others.schemas.get(index as usize)?;
            let next = u32::try_from(schemas.len()).ok()?;
            let index = *known.entry(schema.clone()).or_insert(next);
            if index == next {
                schemas.push(schema.clone());
            }
            Some(index)
        };
        let asked: BTreeSet<[u8; 32]> = self.operations.iter().map(|proof| proof.question).collect();
        for proof in others.operations.iter().filter(|proof| !asked.contains(&proof.question)) {
            let schema = index_of(proof.schema);
            self.operations.extend(schema.map(|schema| ProvenOperation { schema, ..proof.clone() }));
        }
        let asked: BTreeSet<[u8; 32]> = self.expressions.iter().map(|proof| proof.question).collect();
        for proof in others.expressions.iter().filter(|proof| !asked.contains(&proof.question)) {
            let schema = index_of(proof.schema);
            self.expressions.extend(schema.map(|schema| ProvenExpression { schema, ..proof.clone() }));
        }
    }
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
    let body = open(MAGIC, "a file of proofs", bytes)?;
    let proofs = rkyv::from_bytes::<Proofs, rancor::Error>(&body).map_err(damaged)?;
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
            operations: vec![ProvenOperation {
                question: [1; 32],
                schema: 0,
                determinism: Determinism::Volatile,
            }],
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
    fn of_two_proofs_of_one_question_the_first_stays() {
        let mut sum = proofs();
        let mut others = proofs();
        others.schemas.insert(0, Schema::parse("{c Float64}").unwrap());
        others.operations.push(ProvenOperation {
            question: [3; 32],
            schema: 0,
            determinism: Determinism::Deterministic,
        });
        others.operations.push(ProvenOperation {
            question: [4; 32],
            schema: 1,
            determinism: Determinism::Deterministic,
        });
        sum.add(&others);
        let found: Vec<(u8, &Schema)> = sum
            .operations
            .iter()
            .map(|proof| (proof.question[0], &sum.schemas[proof.schema as usize]))
            .collect();
        let (first, second) =
            (Schema::parse("{a Int64!, b Utf8}").unwrap(), Schema::parse("{c Float64}").unwrap());
        assert_eq!(found, [(1, &first), (3, &second), (4, &first)]);
        assert_eq!((sum.schemas.len(), sum.expressions.len()), (2, 1));
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
