//! What the columns of a table become when rows of other columns are written to it.

use deltalake::kernel::{StructField, StructType};

use super::TableSchema;
use super::widen::{holds, sql_type};
use crate::error::{DeltaError, Result, SchemaMismatch};
use crate::write::target::SchemaMode;

impl TableSchema {
    /// The schema a table of schema `self` has after rows of `data` are written to it, if that is another one. With
    /// [`SchemaMode::Replace`] that may be a change of nullability, or of a type that would hold the data.
    ///
    /// # Errors
    /// [`DeltaError::SchemaMismatch`] with everything that `mode` does not allow. NULLs where the table forbids them
    /// count only when `strict`: otherwise every batch is checked.
    pub(crate) fn after(
        &self,
        data: &Self,
        mode: SchemaMode,
        strict: bool,
        location: &str,
    ) -> Result<Option<Self>> {
        if mode == SchemaMode::Replace {
            return if self.is_exactly(data) { Ok(None) } else { self.replaced(data, location).map(Some) };
        }
        let mut mismatches = self.mismatches(data, strict);
        let mut added = Vec::new();
        if mode == SchemaMode::Additive {
            let is_new =
                |mismatch: &SchemaMismatch| matches!(mismatch, SchemaMismatch::Extra { similar: None, .. });
            mismatches.retain(|mismatch| !is_new(mismatch));
            // Rows that are there already have no value in them.
            let new = data.delta.fields().filter(|field| self.find(&field.name).is_none());
            added.extend(new.map(|field| StructField { nullable: true, ..field.clone() }));
        }
        if !mismatches.is_empty() {
            return Err(DeltaError::SchemaMismatch { location: location.into(), mismatches });
        }
        if added.is_empty() {
            return Ok(None);
        }
        Self::of_fields(self.delta.fields().cloned().chain(added), location).map(Some)
    }

    /// Whether both have the same columns, in any order.
    fn is_exactly(&self, data: &Self) -> bool {
        self.arrow.fields().len() == data.arrow.fields().len()
            && self.arrow.fields().iter().all(|field| {
                data.find(field.name()).is_some_and(|(_, given)| {
                    given.data_type() == field.data_type() && given.is_nullable() == field.is_nullable()
                })
            })
    }

    /// `data`, with what the table says of columns that stay as they are, such as their invariants.
    fn replaced(&self, data: &Self, location: &str) -> Result<Self> {
        let fields = data.delta.fields().map(|field| match self.find(&field.name) {
            Some((own, _)) if own.data_type == field.data_type => {
                StructField { metadata: own.metadata.clone(), ..field.clone() }
            }
            _ => field.clone(),
        });
        Self::of_fields(fields, location)
    }

    fn of_fields(fields: impl Iterator<Item = StructField>, location: &str) -> Result<Self> {
        let delta = StructType::try_new(fields).map_err(|error| DeltaError::InvalidSchema {
            location: location.into(),
            reason: error.to_string(),
        })?;
        Self::of_delta(delta, location)
    }

    /// Every difference between the table `self` and the data `data` that a write cannot bridge.
    fn mismatches(&self, data: &Self, strict: bool) -> Vec<SchemaMismatch> {
        let mut found = Vec::new();
        for (field, arrow) in self.delta.fields().zip(self.arrow.fields()) {
            let column = field.name.clone();
            let sql = sql_type(arrow.data_type());
            let Some((given, given_arrow)) = data.find(&field.name) else {
                let data_type = field.data_type.to_string();
                found.push(SchemaMismatch::Missing { column, data_type, sql, nullable: field.nullable });
                continue;
            };
            if !holds(arrow.data_type(), given_arrow.data_type()) {
                let (table, data) = (field.data_type.to_string(), given.data_type.to_string());
                found.push(SchemaMismatch::Type { column, table, data, sql });
            } else if strict && given.nullable && !field.nullable {
                found.push(SchemaMismatch::Nullability { column });
            }
        }
        for given in data.delta.fields().filter(|given| self.find(&given.name).is_none()) {
            let mut columns = self.delta.fields();
            let similar = columns.find(|field| field.name.to_lowercase() == given.name.to_lowercase());
            found.push(SchemaMismatch::Extra {
                column: given.name.clone(),
                data_type: given.data_type.to_string(),
                similar: similar.map(|field| field.name.clone()),
            });
        }
        found
    }
}
