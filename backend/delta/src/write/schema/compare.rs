//! Schemas compared, for programs that decide what to do about a difference before anything is written.
//!
//! Types are what tables store: encodings of texts and bytes, dictionaries and time units make no difference.

use std::fmt;

use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::logical_expr::{Expr, ident, lit};
use datafusion::scalar::ScalarValue;
use hash::ContentHash;
use hash::canonical::Encoder;

use super::stored_field;
use super::widen::holds;
use crate::error::Result;

/// How the columns of a table differ from what they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaDiff {
    /// Columns that were not there, in the order of the new schema.
    pub added: Vec<FieldRef>,
    /// Columns that are no longer there, in the order of the old schema.
    pub removed: Vec<FieldRef>,
    /// Columns of another type or nullability, as they were and as they are, in the order of the old schema.
    pub changed: Vec<(FieldRef, FieldRef)>,
}

impl SchemaDiff {
    /// From one schema to another; columns are the same if their names are, and their order does not count.
    ///
    /// # Errors
    /// [`DeltaError::UnsupportedType`](crate::DeltaError) for a column that no table can store.
    pub fn between(before: &Schema, after: &Schema) -> Result<Self> {
        let (before, after) = (stored(before)?, stored(after)?);
        let find =
            |fields: &[FieldRef], name: &str| fields.iter().find(|field| field.name() == name).cloned();
        let mut diff = Self::default();
        for was in &before {
            match find(&after, was.name()) {
                None => diff.removed.push(was.clone()),
                Some(is) if is.data_type() != was.data_type() || is.is_nullable() != was.is_nullable() => {
                    diff.changed.push((was.clone(), is));
                }
                Some(_) => {}
            }
        }
        diff.added.extend(after.into_iter().filter(|field| find(&before, field.name()).is_none()));
        Ok(diff)
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether every row that was there still fits, as it is: columns were added that may be NULL, or may be NULL now.
    #[must_use]
    pub fn is_additive(&self) -> bool {
        let relaxed =
            |(was, is): &(FieldRef, FieldRef)| was.data_type() == is.data_type() && is.is_nullable();
        self.removed.is_empty()
            && self.added.iter().all(|field| field.is_nullable())
            && self.changed.iter().all(relaxed)
    }
}

impl fmt::Display for SchemaDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let null = |field: &FieldRef| if field.is_nullable() { "" } else { " NOT NULL" };
        for field in &self.added {
            writeln!(f, "+ {} {}{}", field.name(), field.data_type(), null(field))?;
        }
        for field in &self.removed {
            writeln!(f, "- {} {}{}", field.name(), field.data_type(), null(field))?;
        }
        for (was, is) in &self.changed {
            let (before, after) = (was.data_type(), is.data_type());
            writeln!(f, "~ {} {before}{} -> {after}{}", was.name(), null(was), null(is))?;
        }
        Ok(())
    }
}

/// What tells a schema from others: the hash of its columns in their order, names, types as tables store them, and nullability,
/// in the domain `codeanatomy schema 1`.
///
/// # Errors
/// As [`SchemaDiff::between`].
pub fn schema_hash(schema: &Schema) -> Result<ContentHash> {
    let fields = stored(schema)?;
    let mut encoder = Encoder::new("codeanatomy schema 1");
    encoder.list(fields.len());
    for field in fields {
        encoder.list(3).text(field.name()).text(&field.data_type().to_string()).boolean(field.is_nullable());
    }
    Ok(encoder.finish())
}

/// What makes rows of one schema rows of another, column by column: the column as it is, a cast to a type that holds all its
/// values, or NULL. Nothing where that cannot be: a type would lose values, or a column that must not be NULL is missing or may
/// be.
///
/// # Errors
/// As [`SchemaDiff::between`].
pub fn cast_alignment(rows: &Schema, wanted: &Schema) -> Result<Option<Vec<Expr>>> {
    let rows = stored(rows)?;
    let wanted = stored(wanted)?;
    Ok(wanted.iter().map(|column| aligned(&rows, column)).collect())
}

fn aligned(rows: &[FieldRef], wanted: &FieldRef) -> Option<Expr> {
    let data_type: &DataType = wanted.data_type();
    let Some(given) = rows.iter().find(|field| field.name() == wanted.name()) else {
        let null = ScalarValue::try_from(data_type).ok().filter(|_| wanted.is_nullable())?;
        return Some(lit(null).alias(wanted.name()));
    };
    if given.is_nullable() && !wanted.is_nullable() || !holds(data_type, given.data_type()) {
        return None;
    }
    let column = ident(given.name());
    let is_same = given.data_type() == data_type;
    Some(if is_same {
        column
    } else {
        datafusion::logical_expr::cast(column, data_type.clone()).alias(wanted.name())
    })
}

/// The columns as a table stores them.
fn stored(schema: &Schema) -> Result<Vec<FieldRef>> {
    schema.fields().iter().map(|field| stored_field(field, "", "a schema")).collect()
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, TimeUnit};

    use super::*;

    fn schema(columns: &[(&str, DataType, bool)]) -> Schema {
        let field = |(name, data_type, nullable): &(&str, DataType, bool)| {
            Field::new(*name, data_type.clone(), *nullable)
        };
        Schema::new(columns.iter().map(field).collect::<Vec<_>>())
    }

    #[test]
    fn differences_are_additive_if_every_row_still_fits() {
        use DataType::{Int32, Int64, Utf8, Utf8View};
        let before = schema(&[("a", Int32, false), ("b", Utf8, true)]);
        let diff = |after: &[(&str, DataType, bool)]| SchemaDiff::between(&before, &schema(after)).unwrap();
        let same = diff(&[("b", Utf8View, true), ("a", Int32, false)]);
        assert!(same.is_empty() && same.is_additive(), "{same}");
        for (after, additive, shown) in [
            (vec![("a", Int32, false), ("b", Utf8, true), ("c", Int64, true)], true, "+ c Int64\n"),
            (vec![("a", Int32, true), ("b", Utf8, true)], true, "~ a Int32 NOT NULL -> Int32\n"),
            (
                vec![("a", Int32, false), ("b", Utf8, true), ("c", Int64, false)],
                false,
                "+ c Int64 NOT NULL\n",
            ),
            (vec![("a", Int32, false)], false, "- b Utf8\n"),
            (vec![("a", Int64, false), ("b", Utf8, true)], false, "~ a Int32 NOT NULL -> Int64 NOT NULL\n"),
            (vec![("a", Int32, false), ("b", Utf8, false)], false, "~ b Utf8 -> Utf8 NOT NULL\n"),
        ] {
            let found = diff(&after);
            assert_eq!((found.is_additive(), found.to_string().as_str()), (additive, shown));
            assert!(!found.is_empty());
        }
    }

    #[test]
    fn hashes_follow_what_is_stored() {
        use DataType::{Int32, Int64, Utf8, Utf8View};
        let hash = |columns: &[(&str, DataType, bool)]| schema_hash(&schema(columns)).unwrap();
        let one = hash(&[("a", Int32, true), ("b", Utf8, true)]);
        assert_eq!(hash(&[("a", Int32, true), ("b", Utf8View, true)]), one);
        let seconds = DataType::Timestamp(TimeUnit::Second, None);
        let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
        assert_eq!(hash(&[("t", seconds, true)]), hash(&[("t", micros, true)]));
        for other in [
            vec![("b", Utf8, true), ("a", Int32, true)],
            vec![("a", Int64, true), ("b", Utf8, true)],
            vec![("a", Int32, false), ("b", Utf8, true)],
            vec![("a", Int32, true)],
        ] {
            assert_ne!(hash(&other), one);
        }
    }

    #[test]
    fn rows_are_aligned_by_casts_that_lose_nothing() {
        use DataType::{Float32, Float64, Int32, Int64, Utf8};
        let rows = schema(&[("a", Int32, false), ("b", Utf8, true), ("C d", Float32, true)]);
        let wanted =
            schema(&[("C d", Float64, true), ("a", Int64, true), ("n", Utf8, true), ("b", Utf8, true)]);
        let found = cast_alignment(&rows, &wanted).unwrap().unwrap();
        let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["CAST(C d AS Float64) AS C d", "CAST(a AS Int64) AS a", "Utf8(NULL) AS n", "b"],);
        for lossy in
            [schema(&[("b", Int64, true)]), schema(&[("b", Utf8, false)]), schema(&[("n", Utf8, false)])]
        {
            assert_eq!(cast_alignment(&rows, &lossy).unwrap(), None, "{lossy}");
        }
    }
}
