//! Functions that other systems have and this one has not by that name: how the same is written here.
//!
//! What is written is SQL over these columns: `moment`, `earlier` and `later` are timestamps, `text` is a text, `number` a
//! number, `list` a list, `value` anything. A test computes each.

/// How a call is written here that other systems write with a function of this name; nothing for a name that means nothing
/// known.
pub(crate) fn written_here(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    FUNCTIONS.iter().find(|(names, _)| names.contains(&name.as_str())).map(|(_, here)| *here)
}

/// The names that other systems have, and what is written here.
pub const FUNCTIONS: &[(&[&str], &str)] = &[
    // Moments.
    (&["strftime", "formatdatetime", "format_date", "format_timestamp"], "to_char(moment, '%Y-%m-%d')"),
    (
        &["strptime", "parse_timestamp", "parsedatetime", "str_to_date", "parse_date", "date"],
        "to_date(text, '%Y-%m-%d')",
    ),
    (&["timestamp"], "CAST(text AS TIMESTAMP)"),
    (&["date_diff", "datediff", "timestampdiff", "datesub"], "date_part('day', later - earlier)"),
    (&["date_add", "dateadd", "timestampadd", "adddate", "add_days"], "moment + INTERVAL '1 day'"),
    (&["date_sub", "subdate"], "moment - INTERVAL '1 day'"),
    (&["add_months"], "moment + INTERVAL '1 month'"),
    (&["last_day"], "date_trunc('month', moment) + INTERVAL '1 month' - INTERVAL '1 day'"),
    (&["year"], "date_part('year', moment)"),
    (&["quarter"], "date_part('quarter', moment)"),
    (&["month"], "date_part('month', moment)"),
    (&["week", "weekofyear", "yearweek"], "date_part('week', moment)"),
    (&["day", "dayofmonth", "day_of_month"], "date_part('day', moment)"),
    (&["dayofweek", "weekday", "day_of_week"], "date_part('dow', moment)"),
    (&["dayofyear", "day_of_year"], "date_part('doy', moment)"),
    (&["hour"], "date_part('hour', moment)"),
    (&["minute"], "date_part('minute', moment)"),
    (&["second"], "date_part('second', moment)"),
    (&["unix_timestamp", "epoch"], "to_unixtime(moment)"),
    (&["epoch_ms", "unix_millis"], "date_part('epoch', moment) * 1000"),
    (&["getdate", "sysdate", "current_datetime", "localtimestamp", "get_current_timestamp"], "now()"),
    (&["curdate", "getutcdate"], "current_date()"),
    // Texts.
    (&["regexp_extract", "regexp_substr", "regexp_capture"], "regexp_match(text, '([0-9]+)')[1]"),
    (
        &["regexp_matches", "regexp_contains", "rlike", "regexp", "regexp_full_match"],
        "regexp_like(text, '^[0-9]+$')",
    ),
    (&["string_split", "str_split", "split", "splitbystring"], "string_to_array(text, ',')"),
    (&["charindex", "locate"], "strpos(text, 'a')"),
    (&["len", "strlen"], "length(text)"),
    (&["lengthb", "strlenb", "byte_length"], "octet_length(text)"),
    (&["ucase", "toupper"], "upper(text)"),
    (&["lcase", "tolower"], "lower(text)"),
    (&["mid"], "substr(text, 1, 2)"),
    (&["startswith", "prefix"], "starts_with(text, 'a')"),
    (&["endswith", "suffix"], "ends_with(text, 'a')"),
    (&["replicate"], "repeat(text, 2)"),
    (&["space"], "repeat(' ', 2)"),
    (&["unicode", "ord"], "ascii(text)"),
    (&["char", "nchar"], "chr(65)"),
    (&["edit_distance", "editdist3", "damerau_levenshtein"], "levenshtein(text, 'a')"),
    (&["hash", "xxhash64", "cityhash64", "farm_fingerprint"], "stable_hash64(text)"),
    (&["sha1", "sha", "sha2"], "sha256(text)"),
    // Numbers and types.
    (&["mod"], "number % 2"),
    (&["truncate"], "trunc(number)"),
    (&["sign"], "signum(number)"),
    (&["zeroifnull"], "coalesce(number, 0)"),
    (&["if", "iif"], "CASE WHEN number > 0 THEN 1 ELSE 0 END"),
    (&["isnull"], "value IS NULL"),
    (&["typeof", "pg_typeof", "totypename"], "arrow_typeof(value)"),
    (&["to_number", "todouble", "float", "double"], "TRY_CAST(text AS DOUBLE)"),
    (&["str", "to_varchar", "tostring", "string"], "CAST(number AS VARCHAR)"),
    (&["int", "toint64", "to_integer"], "CAST(number AS BIGINT)"),
    (&["newid", "gen_random_uuid", "generate_uuid"], "uuid()"),
    // Lists and structs.
    (&["list_value", "array"], "make_array(1, 2)"),
    (&["struct_pack"], "named_struct('a', 1)"),
    (&["size", "array_size", "list_size"], "cardinality(list)"),
    (&["explode", "arrayjoin"], "unnest(list)"),
    (&["list_filter", "has"], "array_has(list, 1)"),
    // Aggregates.
    (&["list", "collect_list", "grouparray", "array_concat_agg"], "array_agg(value)"),
    (&["collect_set", "groupuniqarray"], "array_agg(DISTINCT value)"),
    (&["group_concat", "listagg", "wm_concat"], "string_agg(text, ',')"),
    (&["count_distinct", "countdistinct"], "count(DISTINCT value)"),
    (&["countif"], "count_if(number > 0)"),
    (&["sum_if", "sumif"], "sum(number) FILTER (WHERE number > 0)"),
    (&["approx_count_distinct", "uniq", "ndv", "hll"], "approx_distinct(value)"),
    (&["argmax", "max_by"], "arg_max(value, number)"),
    (&["argmin", "min_by"], "arg_min(value, number)"),
    (&["first", "arbitrary"], "first_value(value ORDER BY number)"),
    (&["last"], "last_value(value ORDER BY number)"),
    (&["stdev", "std"], "stddev(number)"),
    (&["variance"], "var_samp(number)"),
    (&["quantile", "percentile", "percentile_disc"], "quantile_cont(number, 0.5)"),
    (&["total", "sum0"], "coalesce(sum(number), 0)"),
    (&["logical_or", "any"], "bool_or(number > 0)"),
    (&["logical_and", "every"], "bool_and(number > 0)"),
];
