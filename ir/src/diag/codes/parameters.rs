//! E04xx: parameters, and E05xx: outputs.

use super::code_table;

code_table! {
    DUPLICATE_PLACEHOLDER = "E0401", "duplicate-placeholder", "two parameters have the same position":
"Example: two entries with `target: {kind: PlaceholderPos, position: 1}`.

Each position is given once.

Fix: renumber one of them.";

    PLACEHOLDER_GAP = "E0402", "placeholder-gap", "positions of parameters have a gap":
"Positions count from 1 without a gap.

Example: positions 1 and 3.

Fix: renumber, or add the missing parameter.";

    UNBOUND_PLACEHOLDER = "E0403", "unbound-placeholder", "an expression uses a placeholder that has no value":
"`$1`, `$2`, ... in expressions and queries stand for the parameters of these positions.

Example: `predicate: name = $2` with one parameter.

Fix: add a parameter for the position, or correct the placeholder.";

    UNUSED_PARAMETER = "E0404", "unused-parameter", "a parameter that nothing uses":
"A value that has no effect is most likely a mistake in its target.

Example: `position: 2` where no expression has `$2`.

Fix: correct the target, or remove the parameter.";

    BAD_DATE = "E0405", "bad-date", "a date parameter that is not a date":
"Dates are written year, month, day, and must exist in the calendar.

Example: `value: {type: Date, value: 31.01.2026}`

Fix: `value: '2026-01-31'`";

    BAD_PARAMETER_TIMESTAMP = "E0406", "bad-parameter-timestamp", "a timestamp parameter that is not a moment":
"Example: `value: {type: Timestamp, value: noon}`

A timestamp has a date and a time, without zone.

Fix: `value: '2026-01-31T12:00:00.5'` (a space may stand for the `T`).";

    UNKNOWN_NULL_TYPE = "E0407", "unknown-null-type", "a NULL parameter of a type that does not exist":
"A NULL has a type too, and it must be one of those that parameters can have.

Example: `value: {type: 'Null', value: {data_type: number}}`

Fix: use one of the types in the message.";

    FILTER_TARGET = "E0408", "filter-target", "an equality parameter finds no table or column":
"`FilterEq` filters the input or view `base_table` by `filter_column`; both must exist. Without `base_table` it filters the \
rows of every input that has the column; change feeds, metadata and lists of files are filtered only by name.

Example: `target: {kind: FilterEq, base_table: nodes, filter_column: langage}`

Fix: correct the name.";

    PARAMETER_TYPE = "E0409", "parameter-type", "a parameter's type does not fit where it is used":
"Parameters are put in as typed values, and SQL finds no way to use one of this type here.

Example: a `Utf8` parameter compared with an `Int64` column.

Fix: give the parameter the type of the column.";

    GIVEN_PARAMETER = "E0410", "given-parameter", "a value from outside the spec fits none of its parameters":
"`--param label=value`, the file of `--params` and the `parameters` of a test give values to the parameters of a spec, by their \
labels. The spec declares each parameter with a label, a type and a value that holds when none is given.

Example: `--param limit=ten` for `{label: limit, target: {kind: PlaceholderPos, position: 1}, value: {type: Int64, value: 5}}`

Fix: give each label once, and a value of the type that the spec says.";

    OUTPUT_COLUMN = "E0501", "output-column", "an output names a column its source does not have":
"`columns` of an output takes columns of its `source_view`, or expressions over them.

Example: `columns: [node_id, kidn]`

Fix: use one of the columns in the message, or leave `columns` empty to write all.";

    PARTITION_COLUMN = "E0502", "partition-column", "a partition column is not written or cannot partition":
"`partition_by` names columns of the output. At least one other column must remain, and the type must be one that Delta \
can partition by (no lists, maps, structs or binary).

Example: `columns: [path], partition_by: [language]`

Fix: add the column to `columns`, or choose another.";

    OUTPUT_SCHEMA = "E0503", "output-schema", "what would be written does not fit the table":
"The table exists with other columns or types, or a table cannot have these columns. Names of columns are compared as they \
are written, and Delta allows no two that differ only by case. Types that lose nothing are converted: `Int32` is written \
to a column of `Int64`.

Example: the table has `line: Int32`, the view `line: Int64`.

Fix: cast in `columns`, as the message says; let the write change the table with `schema_mode: additive` (new columns) or \
`schema_mode: replace` (everything, with `Overwrite`); or write to another location.";

    OUTPUT_PARTITIONING = "E0504", "output-partitioning", "an existing table is partitioned differently":
"A Delta table keeps the partitioning it was created with, unless it is replaced.

Example: `partition_by: [language]` on a table partitioned by `file_id`.

Fix: use the table's partitioning, overwrite with `schema_mode: replace`, or write to another location.";

    OUTPUT_IS_INPUT = "E0505", "output-is-input", "an output is written to the place an input is read from":
"A run that replaces what it reads cannot be repeated. Places are compared, not texts: `t`, `./t`, a link to it and its \
`file://` URL are one. A folder inside the other table's folder counts too.

Example: an input and an output with `delta_location: lake/nodes`.

Fix: write to another location. To go on from the previous result, pin the input's version and say so in another spec.";

    OUTPUT_TYPE = "E0506", "output-type", "a column's type cannot be stored in a Delta table":
"Delta tables store numbers, texts, binary, truth values, dates, timestamps, and lists, maps and structs of them.

Example: a column of type `Interval` or `Duration`.

Fix: convert it in `columns`: `{name: seconds, expr: ...}`.";

    OUTPUT_LOCATION = "E0507", "output-location", "an output's location cannot be used":
"The location is not a path or `file://` URL, is written in a way that could be read as two places, or no table can be \
made there: a file is in the way, or another table's folder is around it or inside it.

Example: `delta_location: 'ftp://host/table'`

Fix: the message says what is wrong with it; use a path to a folder of its own.";

    RESERVED_METADATA = "E0508", "reserved-metadata", "a metadata key that is reserved":
"Keys that start with `codeanatomy.` and those that Delta itself gives a meaning are set by the program.

Example: `write_metadata: {operation: mine}`

Fix: choose another key.";

    SORT_COLUMN = "E0509", "sort-column", "rows of an output cannot be sorted as asked":
"`sort_by` names columns of the output, each once, of a type that has an order (no lists, maps or structs). Rows that are \
appended must be sorted as the table records it.

Example: `columns: [path], sort_by: [path, bstart]`

Fix: add the column to `columns`, or leave it out of `sort_by`.";

    OUTPUT_NOT_WRITABLE = "E0510", "output-not-writable", "an existing table does not take this write":
"The table asks something of its writers that this program does not do, forbids overwriting, or is damaged; its CHECK \
constraints and invariants must be ones that can be evaluated here.

Example: `materialization_mode: Overwrite` on a table with `delta.appendOnly`.

Fix: see the message; append, drop the feature or the constraint with the program that added it, or write to another \
location.";
}
