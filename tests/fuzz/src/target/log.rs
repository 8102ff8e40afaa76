//! Delta tables: opened, described, and read.

use arbitrary::{Result as Made, Unstructured};
use delta::{ResolvedTable, Roots, file_manifest, table_metadata};
use engine::{Session, TableRequest, Tables};
use futures::StreamExt as _;
use ir::op::{ChangeRange, Read};
use serde_json::{Map, Value, json};

use super::tables::{FIRST, Files, actions, checkpoint, commit};
use super::{Input, Program};
use crate::corpus::Corpus;
use crate::edit::edited;
use crate::tree::{Pool, anything};

/// The actions of a log and their fields.
const ACTIONS: [(&str, &[&str]); 9] = [
    ("protocol", &["minReaderVersion", "minWriterVersion", "readerFeatures", "writerFeatures"]),
    (
        "metaData",
        &["id", "name", "format", "schemaString", "partitionColumns", "configuration", "createdTime"],
    ),
    (
        "add",
        &[
            "path",
            "partitionValues",
            "size",
            "modificationTime",
            "dataChange",
            "stats",
            "tags",
            "deletionVector",
            "baseRowId",
            "defaultRowCommitVersion",
            "clusteringProvider",
        ],
    ),
    (
        "remove",
        &[
            "path",
            "deletionTimestamp",
            "dataChange",
            "extendedFileMetadata",
            "partitionValues",
            "size",
            "deletionVector",
        ],
    ),
    ("cdc", &["path", "partitionValues", "size", "dataChange"]),
    ("txn", &["appId", "version", "lastUpdated"]),
    ("commitInfo", &["timestamp", "operation", "inCommitTimestamp", "codeanatomy.action_count"]),
    ("domainMetadata", &["domain", "configuration", "removed"]),
    ("sidecar", &["path", "sizeInBytes", "modificationTime", "tags"]),
];

/// Types of columns.
const TYPES: [&str; 24] = [
    "string",
    "long",
    "integer",
    "short",
    "byte",
    "float",
    "double",
    "boolean",
    "binary",
    "date",
    "timestamp",
    "timestamp_ntz",
    "decimal(10,2)",
    "decimal(38,38)",
    "decimal(39,0)",
    "decimal(5,-3)",
    "decimal",
    "decimal()",
    "void",
    "variant",
    "interval",
    "char(3)",
    "varchar(9)",
    "geometry",
];

/// Names of files in a log, beside those of commits.
const NAMES: [&str; 18] = [
    "_last_checkpoint",
    "00000000000000000000.checkpoint.parquet",
    "00000000000000000001.checkpoint.parquet",
    "00000000000000000001.checkpoint.json",
    "00000000000000000001.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json",
    "00000000000000000001.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.parquet",
    "00000000000000000001.checkpoint.0000000001.0000000001.parquet",
    "00000000000000000001.checkpoint.0000000001.0000000002.parquet",
    "00000000000000000001.checkpoint.0000000000.4294967295.parquet",
    "18446744073709551615.checkpoint.parquet",
    "18446744073709551615.json",
    "18446744073709551614.json",
    "09223372036854775807.json",
    "09223372036854775807.checkpoint.parquet",
    "00000000000000000000.crc",
    "00000000000000000000.00000000000000000001.compacted.json",
    "_sidecars/a.parquet",
    "99999999999999999999.json",
];

/// What is asked of a table called `t`.
const QUERIES: [&str; 3] = [
    "SELECT * FROM t LIMIT 5",
    "SELECT count(*) FROM t",
    "SELECT count(*) FROM t WHERE name = 'a' AND day >= DATE '1970-01-01' AND id > 3",
];

/// Valid tables, of which files are edited, replaced, added, renamed and removed.
pub(super) fn input(u: &mut Unstructured<'_>, corpus: &Corpus) -> Made<Input> {
    let mut files = u.choose(&corpus.tables)?.clone();
    for _ in 0..u.int_in_range(1..=3)? {
        change(u, &mut files, corpus)?;
    }
    Ok(Input { files })
}

fn change(u: &mut Unstructured<'_>, files: &mut Files, corpus: &Corpus) -> Made<()> {
    let names: Vec<String> = files.keys().cloned().collect();
    if names.is_empty() {
        return Ok(());
    }
    let logs: Vec<&String> = names.iter().filter(|name| name.starts_with("_delta_log/")).collect();
    let any = u.choose(&names)?.clone();
    let log = if logs.is_empty() { any.clone() } else { (*u.choose(&logs)?).clone() };
    let version = u.int_in_range(0..=3_u64)?;
    let new = format!("_delta_log/{version:020}.json");
    match u.int_in_range(0..=11)? {
        0 | 1 => edit_file(u, files, &log, corpus)?,
        2 => edit_file(u, files, &any, corpus)?,
        3 | 4 => {
            let mut all = actions(files.get(&log).map(Vec::as_slice).unwrap_or_default());
            change_action(u, &mut all, &corpus.log_values)?;
            files.insert(log, commit(&all));
        }
        5 | 6 => {
            files.insert(new, commit(&some_actions(u, &corpus.log_values)?));
        }
        7 => {
            let mut all = actions(files.get(FIRST).map(Vec::as_slice).unwrap_or_default());
            all.extend(some_actions(u, &corpus.log_values)?);
            files.insert(FIRST.to_owned(), commit(&all));
        }
        8 => add_checkpoint(u, files, corpus)?,
        9 => {
            let name = format!("_delta_log/{}", u.choose(&NAMES)?);
            let content = files.get(&any).cloned().unwrap_or_default();
            files.insert(name, content);
        }
        10 => {
            let content = if u.ratio(1, 2)? { files.remove(&any) } else { files.get(&any).cloned() };
            let name =
                format!("{}{}", u.choose(&["a", "_delta_log/b", "_change_data/c"])?, any.replace('/', "_"));
            files.insert(if u.ratio(1, 2)? { new } else { name }, content.unwrap_or_default());
        }
        _ => drop(files.remove(&any)),
    }
    Ok(())
}

fn edit_file(u: &mut Unstructured<'_>, files: &mut Files, name: &str, corpus: &Corpus) -> Made<()> {
    let others: Vec<&Vec<u8>> = u.choose(&corpus.tables)?.values().collect();
    let other = *u.choose(&others)?;
    let old = files.get(name).map(Vec::as_slice).unwrap_or_default();
    let new = if name.ends_with(".parquet") && u.ratio(1, 2)? {
        // The footer is at the end, and says how long it is in the last bytes.
        let start = old.len().saturating_sub(u.int_in_range(8..=1500)?);
        let (data, footer) = old.split_at(start);
        [data, &edited(u, footer, other, &corpus.words)?].concat()
    } else {
        edited(u, old, other, &corpus.words)?
    };
    files.insert(name.to_owned(), new);
    Ok(())
}

/// Gives one action another field, or the same field another value.
fn change_action(u: &mut Unstructured<'_>, all: &mut [Value], pool: &Pool) -> Made<()> {
    if all.is_empty() {
        return Ok(());
    }
    let at = u.choose_index(all.len())?;
    let Some((kind, fields)) = all[at].as_object_mut().and_then(|action| action.iter_mut().next()) else {
        return Ok(());
    };
    let known = ACTIONS.iter().find(|(name, _)| name == kind).map_or(&["path"][..], |(_, fields)| fields);
    let field = *u.choose(known)?;
    let value = field_value(u, field, pool)?;
    if let Some(fields) = fields.as_object_mut() {
        if u.ratio(1, 8)? { drop(fields.remove(field)) } else { drop(fields.insert(field.to_owned(), value)) }
    }
    Ok(())
}

fn some_actions(u: &mut Unstructured<'_>, pool: &Pool) -> Made<Vec<Value>> {
    (0..u.int_in_range(1..=5)?).map(|_| action(u, pool)).collect()
}

fn action(u: &mut Unstructured<'_>, pool: &Pool) -> Made<Value> {
    if u.ratio(1, 40)? {
        return anything(u, 3);
    }
    let (kind, names) = *u.choose(&ACTIONS)?;
    let mut fields = Map::new();
    for name in names {
        if !u.ratio(1, 8)? {
            fields.insert((*name).to_owned(), field_value(u, name, pool)?);
        }
    }
    Ok(json!({ kind: fields }))
}

fn field_value(u: &mut Unstructured<'_>, field: &str, pool: &Pool) -> Made<Value> {
    if u.ratio(1, 12)? {
        return anything(u, 2);
    }
    Ok(match field {
        "schemaString" if u.ratio(2, 3)? => Value::from(schema(u, pool, 3)?.to_string()),
        "format" => json!({"provider": "parquet", "options": {}}),
        "partitionValues" | "tags" | "configuration" | "options" => {
            let mut values = Map::new();
            for _ in 0..u.int_in_range(0..=3)? {
                let key = pool.value(u, "name")?.as_str().unwrap_or("day").to_owned();
                values.insert(key, pool.value(u, field)?);
            }
            Value::Object(values)
        }
        "stats" if u.ratio(1, 2)? => Value::from(statistics(u, pool)?.to_string()),
        "deletionVector" => {
            let mut vector = Map::new();
            for name in ["storageType", "pathOrInlineDv", "offset", "sizeInBytes", "cardinality"] {
                vector.insert(name.to_owned(), pool.value(u, name)?);
            }
            Value::Object(vector)
        }
        "readerFeatures" | "writerFeatures" | "partitionColumns" => {
            let items = (0..u.int_in_range(0..=3)?).map(|_| pool.value(u, field));
            Value::Array(items.collect::<Made<_>>()?)
        }
        "minReaderVersion" | "minWriterVersion" => Value::from(u.int_in_range(-1..=8)?),
        _ => pool.value(u, field)?,
    })
}

fn statistics(u: &mut Unstructured<'_>, pool: &Pool) -> Made<Value> {
    let mut parts = Map::new();
    for part in ["minValues", "maxValues", "nullCount"] {
        let mut values = Map::new();
        for name in ["id", "name", "price", "day", "at"] {
            if u.ratio(2, 3)? {
                let value = if u.ratio(1, 4)? { anything(u, 1)? } else { pool.value(u, name)? };
                values.insert(name.to_owned(), value);
            }
        }
        parts.insert(part.to_owned(), Value::Object(values));
    }
    parts.insert("numRecords".to_owned(), pool.value(u, "numRecords")?);
    Ok(Value::Object(parts))
}

/// The schema of a table, or the type of a column.
fn schema(u: &mut Unstructured<'_>, pool: &Pool, depth: usize) -> Made<Value> {
    let mut fields = Vec::new();
    for _ in 0..u.int_in_range(0..=5)? {
        let name = pool.value(u, "name")?;
        let kind = column_type(u, pool, depth)?;
        let metadata = match u.int_in_range(0..=5)? {
            0 => anything(u, 2)?,
            1 => json!({"delta.columnMapping.id": pool.value(u, "delta.columnMapping.id")?,
                "delta.columnMapping.physicalName": pool.value(u, "delta.columnMapping.physicalName")?}),
            2 => {
                json!({"delta.invariants": pool.value(u, "delta.invariants")?, "delta.typeChanges": anything(u, 3)?})
            }
            _ => json!({}),
        };
        fields.push(
            json!({"name": name, "type": kind, "nullable": u.arbitrary::<bool>()?, "metadata": metadata}),
        );
    }
    Ok(json!({"type": "struct", "fields": fields}))
}

fn column_type(u: &mut Unstructured<'_>, pool: &Pool, depth: usize) -> Made<Value> {
    let kinds = if depth == 0 { 4 } else { 8 };
    Ok(match u.int_in_range(0..=kinds)? {
        0..=4 => Value::from(*u.choose(&TYPES)?),
        5 => schema(u, pool, depth - 1)?,
        6 => json!({"type": "array", "elementType": column_type(u, pool, depth - 1)?, "containsNull": true}),
        7 => json!({"type": "map", "keyType": column_type(u, pool, depth - 1)?,
            "valueType": column_type(u, pool, depth - 1)?, "valueContainsNull": false}),
        _ => anything(u, 2)?,
    })
}

/// A checkpoint of what the commits say, and perhaps without them; or of any actions.
fn add_checkpoint(u: &mut Unstructured<'_>, files: &mut Files, corpus: &Corpus) -> Made<()> {
    let logs = files.iter().filter(|(name, _)| name.starts_with("_delta_log/") && name.ends_with(".json"));
    let mut all: Vec<Value> = logs.flat_map(|(_, bytes)| actions(bytes)).collect();
    if u.ratio(1, 2)? {
        change_action(u, &mut all, &corpus.log_values)?;
    }
    if u.ratio(1, 4)? {
        all.extend(some_actions(u, &corpus.log_values)?);
    }
    let name = if u.ratio(2, 3)? { NAMES[2] } else { *u.choose(&NAMES)? };
    let is_text = name.ends_with(".json");
    let mut content = if is_text { commit(&all) } else { checkpoint(&all) };
    if u.ratio(1, 3)? {
        content = edited(u, &content, b"PAR1", &corpus.words)?;
    }
    files.insert(format!("_delta_log/{name}"), content);
    if u.ratio(1, 2)? {
        files.remove(FIRST);
    }
    if u.ratio(1, 3)? {
        let hint = json!({"version": corpus.log_values.value(u, "version")?, "size": all.len(),
            "parts": corpus.log_values.value(u, "version")?});
        files.insert("_delta_log/_last_checkpoint".to_owned(), hint.to_string().into_bytes());
    }
    Ok(())
}

pub(super) fn read(input: &Input, program: &Program) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let lake = tempfile::tempdir().map_err(text)?;
    input.write(&lake.path().join("t")).map_err(text)?;
    let (session, folder) = (program.session.clone(), lake.path().to_owned());
    let reading = program.workers.run(async move {
        let read = |version, read| TableRequest::Read { location: "t".to_owned(), version, read };
        let requests = [
            read(None, Read::Rows),
            read(Some(0), Read::Rows),
            read(None, Read::Changes(ChangeRange::default())),
            TableRequest::Write { location: "t".to_owned() },
        ];
        let tables = Tables::resolve(&folder, &Roots::everywhere(), &requests).await;
        if let Ok(table) = tables.table("t", None) {
            describe(table);
            ask(&session, &folder).await;
        }
    });
    reading.map_err(|error| error.to_string())
}

fn describe(table: &ResolvedTable) {
    let _ = (table.rows(), table.bytes(), table.files(), table.properties(), table.protocol());
    let _ =
        (table.column_mapping(), table.sort_columns(), table.partition_columns(), table.has_change_feed());
    let _ = (table_metadata(table), file_manifest(table));
}

async fn ask(session: &Session, lake: &std::path::Path) {
    for query in QUERIES {
        let Ok(mut rows) = session.sql(query, lake).await else { continue };
        while let Some(Ok(_)) = rows.batches.next().await {}
    }
}
