//! Answers between compilations.

use std::collections::{BTreeMap, HashMap};

use arrow::datatypes::DataType;
use ir::archive::{Proofs, ProvenExpression, ProvenOperation};
use ir::determinism::Determinism;
use ir::hash::ContentHash;
use ir::oracle::{ExprType, TypeError};
use ir::schema::Schema;

use super::Operation;

/// What an earlier compilation has proven, by the digests of the questions.
#[derive(Default)]
pub(super) struct Proven {
    operations: HashMap<ContentHash, (Schema, Determinism)>,
    expressions: HashMap<ContentHash, ExprType>,
}

impl Proven {
    /// The proofs, if they hold in this envelope.
    pub(super) fn new(envelope: ContentHash, proofs: &Proofs) -> Self {
        if proofs.envelope != *envelope.as_bytes() {
            return Self::default();
        }
        let schema = |index: u32| proofs.schemas.get(index as usize);
        let operations = proofs.operations.iter().filter_map(|proof| {
            let answer = (schema(proof.schema)?.clone(), proof.determinism);
            Some((ContentHash::from_bytes(proof.question), answer))
        });
        let expressions = proofs.expressions.iter().filter_map(|proof| {
            let column = schema(proof.schema)?.fields().next()?;
            let answer = ExprType { data_type: column.data_type().clone(), nullable: column.is_nullable() };
            Some((ContentHash::from_bytes(proof.question), answer))
        });
        Self { operations: operations.collect(), expressions: expressions.collect() }
    }

    pub(super) fn operation(&self, question: ContentHash) -> Option<Operation> {
        let (schema, determinism) = self.operations.get(&question)?;
        Some(Operation { schema: Ok(schema.clone()), determinism: *determinism })
    }

    pub(super) fn expression(&self, question: ContentHash) -> Option<ExprType> {
        self.expressions.get(&question).cloned()
    }
}

/// Answers as proofs, in the order of their questions. Mistakes are left out.
pub(super) fn collect(
    envelope: ContentHash,
    operations: &HashMap<ContentHash, Operation>,
    expressions: &HashMap<ContentHash, Result<ExprType, TypeError>>,
) -> Proofs {
    let mut proofs = Proofs { envelope: *envelope.as_bytes(), ..Proofs::default() };
    let mut known: HashMap<Schema, u32> = HashMap::new();
    let mut index_of = |schemas: &mut Vec<Schema>, schema: &Schema| {
        if let Some(index) = known.get(schema) {
            return Some(*index);
        }
        // A schema that would be read as another one proves nothing: its text form is what is kept.
        Schema::parse(&schema.to_string()).ok().filter(|parsed| parsed == schema)?;
        let index = u32::try_from(schemas.len()).ok()?;
        known.insert(schema.clone(), index);
        schemas.push(schema.clone());
        Some(index)
    };
    for (question, answer) in operations.iter().collect::<BTreeMap<_, _>>() {
        let Ok(schema) = &answer.schema else { continue };
        if let Some(schema) = index_of(&mut proofs.schemas, schema) {
            let (question, determinism) = (*question.as_bytes(), answer.determinism);
            proofs.operations.push(ProvenOperation { question, schema, determinism });
        }
    }
    for (question, answer) in expressions.iter().collect::<BTreeMap<_, _>>() {
        let Ok(ExprType { data_type, nullable }) = answer else { continue };
        let column: (String, DataType, bool) = ("value".to_owned(), data_type.clone(), *nullable);
        if let Some(schema) = index_of(&mut proofs.schemas, &Schema::new([column])) {
            proofs.expressions.push(ProvenExpression { question: *question.as_bytes(), schema });
        }
    }
    proofs
}
