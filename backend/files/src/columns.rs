//! One list of columns for all files of a table.

mod types;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use delta::holds;
use ir::op::{FileColumn, FileFormat, FileSource};
use ir::schema::parse_type;

use crate::error::{Position, type_name};
use crate::read::is_parsed;
use crate::survey::{FileColumns, Shape, SurveyedFile};
use crate::{FileError, Result};
use types::{joined, known, mapped, scanned, with_seen};

/// The columns of a table.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    /// With the types in which values must be: those that the source lists, as far as scans know them, so with types without a
    /// sign; those that are scanned, if it lists none.
    pub(crate) declared: SchemaRef,
    /// With the types of a scan.
    pub(crate) scanned: SchemaRef,
    /// Whether the types are what files look like, and not what somebody has said.
    pub(crate) inferred: bool,
}

impl Columns {
    /// Those that are in a schema.
    pub(crate) fn of_schema(&self, schema: &Schema) -> Self {
        let those = |all: &SchemaRef| {
            let fields = all.fields().iter().filter(|field| schema.column_with_name(field.name()).is_some());
            Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()))
        };
        Self { declared: those(&self.declared), scanned: those(&self.scanned), inferred: self.inferred }
    }
}

/// The columns of the table: those that are listed, or those of its files.
pub(crate) fn of(
    source: &FileSource,
    location: &str,
    listed: Option<Arc<[Field]>>,
    files: &[SurveyedFile],
) -> Result<Columns> {
    for file in files {
        named(file)?;
    }
    let inferred = listed.is_none();
    let declared = match listed {
        Some(listed) => listed.to_vec(),
        None => self::inferred(source.union_by_name, files)?,
    };
    let scan = |field: &Field| field.clone().with_data_type(scanned(field.data_type()));
    let scanned: Vec<Field> = declared.iter().map(scan).collect();
    for file in files {
        check(source, &scanned, file)?;
    }
    seen(source, location, &scanned, files)?;
    let schema = |fields: Vec<Field>| Arc::new(Schema::new(fields));
    Ok(Columns { declared: schema(declared), scanned: schema(scanned), inferred })
}

/// The columns that the source lists; nothing if it lists none.
pub(crate) fn listed(source: &FileSource, location: &str) -> Result<Option<Arc<[Field]>>> {
    let field = |column: &FileColumn| {
        let FileColumn { name, data_type, nullable } = column;
        let refused = |reason: String| FileError::NotFiles { location: location.to_owned(), reason };
        let data_type: DataType =
            parse_type(data_type).map_err(|error| refused(format!("column `{name}`: {error}")))?;
        let declared = mapped(&data_type, true);
        let is_held = match source.format {
            FileFormat::Csv => is_parsed(&declared),
            FileFormat::Ndjson => is_in_json(&declared),
            FileFormat::Parquet | FileFormat::Arrow => true,
        };
        if !is_held {
            let (format, held) = (source.format.name(), type_name(&data_type));
            return Err(refused(format!("column `{name}`: a file of {format} holds no values of {held}")));
        }
        Ok(Field::new(name, declared, *nullable))
    };
    source.columns.as_ref().map(|columns| columns.iter().map(field).collect()).transpose()
}

/// Whether values of this type are read from JSON. Bytes are written in hexadecimal digits.
fn is_in_json(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(inner) => is_in_json(inner.data_type()),
        DataType::Map(inner, sorted) => !sorted && is_in_json(inner.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_in_json(field.data_type())),
        DataType::BinaryView => true,
        _ => is_parsed(data_type),
    }
}

/// Whether every column of a file that says its columns has a name, and each another one.
fn named(file: &SurveyedFile) -> Result<()> {
    let FileColumns::Typed(schema) = &file.columns else { return Ok(()) };
    let Some(reason) = misnamed(schema.fields(), "") else { return Ok(()) };
    Err(FileError::content(&file.file.shown, Position::File, reason))
}

/// What is wrong with the names of fields, and of those inside of them.
fn misnamed(fields: &Fields, above: &str) -> Option<String> {
    for (index, field) in fields.iter().enumerate() {
        let (kind, path) = match above {
            "" => ("column", field.name().clone()),
            above => ("field", format!("{above}.{}", field.name())),
        };
        if field.name().is_empty() {
            return Some(format!("one of its {kind}s has no name"));
        }
        if fields.iter().take(index).any(|other| other.name() == field.name()) {
            return Some(format!("it names a {kind} `{path}` twice"));
        }
        if let DataType::Struct(inner) = field.data_type()
            && let Some(reason) = misnamed(inner, &path)
        {
            return Some(reason);
        }
    }
    None
}

/// The columns that all files have; with `union_by_name` those that any has. They are in the order in which they come.
fn inferred(union_by_name: bool, files: &[SurveyedFile]) -> Result<Vec<Field>> {
    let mut fields: Vec<Field> = Vec::new();
    let shapes = joined_shapes(files)?;
    for (index, file) in files.iter().enumerate() {
        let found = file.fields();
        let differs = |what: String| {
            let first = files.first().map_or("", |first| first.file.shown.as_str());
            let reason = format!(
                "{what}, unlike `{first}` and those after it; give the input a `schema`, or `union_by_name: true` if files \
                 may lack columns that others have"
            );
            FileError::content(&file.file.shown, Position::File, reason)
        };
        for field in &mut fields {
            let Some(other) = found.iter().find(|other| other.name() == field.name()) else {
                if !union_by_name {
                    return Err(differs(format!("it has no column `{}`", field.name())));
                }
                field.set_nullable(true);
                continue;
            };
            // What rows of JSON have in common was found out from all of them.
            let joined = match &shapes {
                Some(_) => Some(field.data_type().clone()),
                None => joined(field.data_type(), other.data_type()),
            };
            let Some(joined) = joined else {
                let (here, there) = (type_name(other.data_type()), type_name(field.data_type()));
                let name = field.name();
                return Err(differs(format!("its column `{name}` is {here} and not {there}")));
            };
            let nullable = field.is_nullable() || other.is_nullable();
            *field = Field::new(field.name(), joined, nullable);
        }
        for other in found {
            if fields.iter().any(|field| field.name() == other.name()) {
                continue;
            }
            if index > 0 && !union_by_name {
                return Err(differs(format!("it has a column `{}`", other.name())));
            }
            let nullable = index > 0 || other.is_nullable();
            fields.push(other.as_ref().clone().with_nullable(nullable));
        }
    }
    let known = |field: Field| {
        let shaped = shapes.as_ref().and_then(|shape| shape.field(field.name()));
        let data_type = shaped.map_or_else(|| known(field.data_type()), Shape::data_type);
        field.with_data_type(data_type)
    };
    Ok(fields.into_iter().map(known).collect())
}

/// What the rows of all files look like together, if they are of JSON.
fn joined_shapes(files: &[SurveyedFile]) -> Result<Option<Shape>> {
    let mut all: Option<Shape> = None;
    for file in files {
        let FileColumns::Shaped { shape, .. } = &file.columns else { continue };
        let joined = all.unwrap_or(Shape::Null).joined(shape.clone());
        all = Some(joined.map_err(|conflict| {
            FileError::content(&file.file.shown, Position::File, conflict.to_string())
        })?);
    }
    Ok(all)
}

impl SurveyedFile {
    /// What the file says of its columns, as they are scanned.
    fn fields(&self) -> Vec<FieldRef> {
        let scanned = |field: &FieldRef| {
            let data_type = scanned(field.data_type());
            Arc::new(Field::new(field.name(), data_type, field.is_nullable()))
        };
        self.columns.fields().iter().map(scanned).collect()
    }
}

impl FileColumns {
    /// The columns of the file, in its order, with their types in it as far as it has types.
    pub(crate) fn fields(&self) -> &[FieldRef] {
        match self {
            Self::Typed(schema) => schema.fields(),
            Self::Sampled(fields) | Self::Unnamed(fields) | Self::Shaped { fields, .. } => fields,
            Self::Wanted { .. } => &[],
        }
    }
}

/// Whether a file can give these columns.
fn check(source: &FileSource, wanted: &[Field], file: &SurveyedFile) -> Result<()> {
    let shown = &file.file.shown;
    let wrong = |reason: String| Err(FileError::content(shown, Position::File, reason));
    let found = file.columns.fields();
    match &file.columns {
        FileColumns::Wanted { .. } | FileColumns::Shaped { .. } => return Ok(()),
        FileColumns::Unnamed(_) if found.len() != wanted.len() => {
            return wrong(format!("it has {} columns, and {} are wanted", found.len(), wanted.len()));
        }
        FileColumns::Unnamed(_) => return Ok(()),
        FileColumns::Typed(_) | FileColumns::Sampled(_) => {}
    }
    for column in wanted {
        let name = column.name();
        let Some(field) = found.iter().find(|field| field.name() == name) else {
            if source.union_by_name && column.is_nullable() {
                continue;
            }
            let names: Vec<&str> = found.iter().map(|field| field.name().as_str()).collect();
            let help = if column.is_nullable() {
                "; with `union_by_name: true` files may lack columns"
            } else {
                ", which must not be NULL"
            };
            return wrong(format!("it has no column `{name}`{help}. It has {}", names.join(", ")));
        };
        let is_typed = matches!(file.columns, FileColumns::Typed(_));
        let given = with_seen(&scanned(field.data_type()), column.data_type());
        if is_typed && !holds(column.data_type(), &given) {
            let (wanted, is) = (type_name(column.data_type()), type_name(field.data_type()));
            return wrong(format!(
                "its column `{name}` is {is}, which cannot be read as {wanted} without loss"
            ));
        }
    }
    Ok(())
}

/// Whether every column that is wanted is in a row of some file of JSON, where rows leave out what is NULL: a name that is in
/// none is more likely a mistake.
fn seen(source: &FileSource, location: &str, wanted: &[Field], files: &[SurveyedFile]) -> Result<()> {
    if source.union_by_name {
        return Ok(());
    }
    let lacking = |file: &SurveyedFile, name: &str| match &file.columns {
        FileColumns::Wanted { lacking, .. } => lacking.iter().any(|lacking| lacking == name),
        _ => false,
    };
    // Files without rows tell nothing.
    let files = || files.iter().filter(|file| file.rows != Some(0));
    let missing =
        |field: &&Field| files().next().is_some() && files().all(|file| lacking(file, field.name()));
    let Some(column) = wanted.iter().find(missing) else { return Ok(()) };
    let mut others: Vec<&str> = Vec::new();
    for file in files() {
        let FileColumns::Wanted { others: more, .. } = &file.columns else { continue };
        others.extend(more.iter().map(String::as_str));
    }
    others.sort_unstable();
    others.dedup();
    let has = if others.is_empty() { String::new() } else { format!(". Rows have {}", others.join(", ")) };
    let name = column.name();
    let reason = format!(
        "no row has a column `{name}`; with `union_by_name: true` files may lack columns, which are NULL then{has}"
    );
    Err(FileError::NotFiles { location: location.to_owned(), reason })
}
