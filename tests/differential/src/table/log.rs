//! Commits of a Delta log, as text.

use serde_json::{Map, Value as Json, json};

use super::{Statistics, Table, WRITTEN};
use crate::value::{Type, Value, moment};

/// What a table is, for its first commit.
pub(super) fn beginning(table: &Table) -> Vec<Json> {
    let has_feature = [
        ("deletionVectors", table.has_deletion_vectors()),
        ("typeWidening", table.layout.narrow),
        ("changeDataFeed", table.layout.feed),
    ];
    let names = |all: &[(&'static str, bool)]| -> Vec<&'static str> {
        all.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect()
    };
    let readers = names(&has_feature[..2]);
    let protocol = match readers.is_empty() {
        false => json!({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": readers,
            "writerFeatures": names(&has_feature)}),
        true => json!({"minReaderVersion": 1, "minWriterVersion": if table.layout.feed { 4 } else { 2 }}),
    };
    vec![json!({"protocol": protocol}), metadata(table, 0)]
}

/// What a table is from a version on.
pub(super) fn metadata(table: &Table, version: usize) -> Json {
    let field = |(name, of): &(String, Type)| {
        let is_widened = table.layout.narrow && *of == Type::Int && !table.partition_by.contains(name);
        let changes = json!({"delta.typeChanges": [{"fromType": "short", "toType": "long"}]});
        let metadata = if is_widened { changes } else { json!({}) };
        json!({"name": name, "type": type_name(*of), "nullable": true, "metadata": metadata})
    };
    let fields: Vec<Json> = table.columns.iter().map(field).collect();
    let properties = [
        ("delta.enableDeletionVectors", table.has_deletion_vectors()),
        ("delta.enableTypeWidening", table.layout.narrow),
        ("delta.enableChangeDataFeed", table.recorded_from().is_some_and(|first| first <= version)),
    ];
    let configuration: Map<String, Json> = properties
        .into_iter()
        .filter(|(_, has)| *has)
        .map(|(key, _)| (key.to_owned(), json!("true")))
        .collect();
    json!({"metaData": {
        "id": table.id, "format": {"provider": "parquet", "options": {}},
        "schemaString": json!({"type": "struct", "fields": fields}).to_string(),
        "partitionColumns": table.partition_by, "configuration": configuration, "createdTime": WRITTEN,
    }})
}

fn type_name(of: Type) -> Json {
    let list = |element: &str| json!({"type": "array", "elementType": element, "containsNull": true});
    match of {
        Type::Int => json!("long"),
        Type::Float => json!("double"),
        Type::Text | Type::Token => json!("string"),
        Type::Bool => json!("boolean"),
        Type::Decimal => json!("decimal(12,2)"),
        Type::Date => json!("date"),
        Type::Timestamp => json!("timestamp"),
        Type::Ints => list("long"),
        Type::Texts => list("string"),
        Type::Pair => {
            let field =
                |name: &str, of: &str| json!({"name": name, "type": of, "nullable": true, "metadata": {}});
            json!({"type": "struct", "fields": [field("a", "long"), field("b", "string")]})
        }
    }
}

/// The value of a partition column in the log.
pub(super) fn partition_value(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Timestamp(micros) => json!(moment(*micros, ' ', 6)),
        other => json!(other.to_string()),
    }
}

/// What the log says of the rows of a file; nothing where it says nothing.
pub(super) fn statistics(table: &Table, rows: &[&Vec<Value>]) -> Option<String> {
    let kind = table.layout.statistics;
    if kind == Statistics::None {
        return None;
    }
    let (mut least, mut most, mut nulls) = (Map::new(), Map::new(), Map::new());
    for (at, (name, of)) in table.columns.iter().enumerate() {
        let described = kind == Statistics::All || (kind == Statistics::Some && at < 2);
        if !described || table.partition_by.contains(name) || !of.is_scalar() {
            continue;
        }
        let values = rows.iter().map(|row| &row[at]);
        nulls.insert(name.clone(), json!(values.clone().filter(|value| value.is_null()).count()));
        // As Parquet has it: NaN is in no statistics.
        let ordered = values
            .filter(|value| !value.is_null() && !matches!(value, Value::Float(value) if value.is_nan()));
        let bounds = (ordered.clone().min().and_then(bound), ordered.max().and_then(bound));
        if let (Some(low), Some(high)) = bounds {
            least.insert(name.clone(), low);
            most.insert(name.clone(), high);
        }
    }
    let mut all = json!({"numRecords": rows.len()});
    if kind != Statistics::Rows {
        all["minValues"] = Json::Object(least);
        all["maxValues"] = Json::Object(most);
        all["nullCount"] = Json::Object(nulls);
    }
    Some(all.to_string())
}

fn bound(value: &Value) -> Option<Json> {
    match value {
        Value::Int(value) => Some(json!(value)),
        Value::Float(value) => serde_json::Number::from_f64(*value).map(Json::Number),
        Value::Text(value) => Some(json!(value)),
        Value::Date(_) => Some(json!(value.to_string())),
        Value::Decimal(hundredths) => serde_json::from_str(&Value::Decimal(*hundredths).to_string()).ok(),
        // Milliseconds, and what is beyond them cut off: so Spark writes them.
        Value::Timestamp(micros) => Some(json!(format!("{}Z", moment(*micros, 'T', 3)))),
        _ => None,
    }
}

/// A path of the log, spelled with `%` for all but the simplest characters.
pub(super) fn encoded(path: &str) -> String {
    let mut text = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' | b'=' => {
                text.push(char::from(byte))
            }
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

/// The path that is spelled so in the log.
pub(super) fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%').then(|| after.get(..2)).flatten();
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
