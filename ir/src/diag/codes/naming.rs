//! E01xx: names and the graph of views.

use super::code_table;

code_table! {
    DUPLICATE_VIEW = "E0101", "duplicate-view", "two views have the same name":
"Transforms and outputs find views by name, so a name may be used once.

Example:

    view_definitions:
      - {name: calls, transform: {kind: Filter, source: raw, predicate: kind = 'call'}}
      - {name: calls, transform: {kind: Filter, source: raw, predicate: kind = 'ref'}}

Fix: rename one of them.";

    DUPLICATE_INPUT = "E0102", "duplicate-input", "two inputs have the same logical name":
"Transforms find inputs by logical name, so a name may be used once.

Example: two entries of `input_relations` with `logical_name: nodes`.

Fix: rename one. To read two versions of one table, give each its own logical name and `version_pin`.";

    NAME_TAKEN = "E0103", "view-named-like-input", "a view and an input have the same name":
"A source named so could mean either of them.

Example: an input `nodes` and a view `nodes`.

Fix: rename the view, for example to `nodes_norm`.";

    DUPLICATE_OUTPUT = "E0104", "duplicate-output", "two outputs have the same table name":
"Each output is a table of its own; two writers of one table would overwrite each other.

Example: two entries of `output_targets` with `table_name: cpg_nodes`.

Fix: rename one, or put the rows together with a `Union` and write them once.";

    DUPLICATE_LOCATION = "E0105", "duplicate-location", "two outputs are written to the same place":
"Two outputs at one place are the same table. Places are compared, not texts: `t`, `./t`, a link to it and its `file://` \
URL are one. An output in a folder inside another output's table counts too.

Example: `delta_location: lake/nodes` twice.

Fix: give each output its own location.";

    DUPLICATE_COLUMN = "E0106", "duplicate-column", "a column name appears twice":
"A result cannot have two columns of one name.

Example: `columns: [path, {name: path, expr: upper(path)}]`

Fix: rename one of them with `{name, expr}`, or leave it out.";

    UNKNOWN_SOURCE = "E0107", "unknown-source", "a source is neither a view nor an input":
"`source`, `sources`, `left` and `right` name a view of this spec or the logical name of an input.

Example: `{kind: Filter, source: cals, predicate: true}` where the view is called `calls`.

Fix: correct the name, or add the view or input.";

    UNKNOWN_DEPENDENCY = "E0108", "unknown-dependency", "a declared dependency is not a view":
"`view_dependencies` lists views only; inputs are not listed.

Example: `view_dependencies: [raw_nodes]` where `raw_nodes` is an input.

Fix: remove `view_dependencies` (it is derived from the transform), or correct the name.";

    DEPENDENCIES_DISAGREE = "E0109", "dependencies-disagree", "declared dependencies differ from what the view reads":
"When `view_dependencies` is given, it must be exactly the set of views that the transform reads.

Example:

    view_dependencies: [a, b]
    transform: {kind: Union, sources: [a, c]}

Fix: remove `view_dependencies`, or make it agree. The message lists what is missing and what is too much.";

    CYCLE = "E0110", "cycle", "views depend on each other in a circle":
"A view cannot be computed from itself. The message names the views of one circle in order.

Example: `a` reads `b` and `b` reads `a`.

Fix: break the circle by computing what both need in a third view, or read an input instead.";

    UNKNOWN_OUTPUT_SOURCE = "E0111", "unknown-output-source", "an output's source is neither a view nor an input":
"`source_view` names the view whose rows are written.

Example: `source_view: cpg_node` where the view is called `cpg_nodes`.

Fix: correct the name.";

    INPUT_NOT_FOUND = "E0112", "input-not-found", "there is nothing at an input's location":
"The folder or object of `delta_location` does not exist or cannot be read.

Example: `delta_location: lake/nods`

Fix: correct the location. Relative paths count from the folder of the spec.";

    INPUT_NOT_DELTA = "E0113", "input-not-delta", "an input's location is not a Delta table":
"There is something, but no readable `_delta_log` in it.

Example: a folder with Parquet files only.

Fix: point to the folder that holds `_delta_log`, or convert the files to a Delta table first.";

    PIN_NOT_FOUND = "E0114", "pin-not-found", "a pinned version does not exist":
"`version_pin` names a version that the table does not have, or no longer has.

Example: `version_pin: 12` on a table whose latest version is 7.

Fix: use a version from the range in the message, or leave the pin out to read the latest.";

    INPUT_UNREADABLE = "E0115", "input-unreadable", "an input's table cannot be opened":
"The table exists, but its log cannot be read: access is denied, an entry is damaged, or it needs a feature this program \
does not have.

Example: a table whose protocol asks for a reader feature that is unknown here.

Fix: see the reason in the message; check permissions, or open the table with the program that wrote it.";

    NOT_AN_INPUT = "E0116", "not-an-input", "a transform about a table was given a view":
"`IncrementalCdf`, `Metadata` and `FileManifest` look at a Delta table, so their source is an input's logical name.

Example: `{kind: Metadata, source: cpg_nodes}` where `cpg_nodes` is a view.

Fix: name an input; for a table that an earlier run wrote, add it to `input_relations`.";

    DELTA_MISMATCH = "E0117", "delta-mismatch", "tables put together have different column mapping modes":
"Rows from a table that maps columns by id and one that maps them by name cannot be matched safely.

Example: a `Union` of one table with `delta.columnMapping.mode = id` and one with `name`.

Fix: rewrite one of the tables with the other's mode.";

    INPUT_FORM = "E0118", "input-form", "an input does not say what it reads, or says it twice":
"An input is a Delta table, at `delta_location`, or it is files as they are, at `location` with their `format`. Fields of the \
one mean nothing for the other.

Example: `{logical_name: orders, location: data/orders.csv}` without `format: csv`.

Fix: give one of the two locations, and with `location` a `format`: parquet, csv, ndjson or arrow.";

    FILE_OPTION = "E0119", "file-option", "an option of a file format that does not exist or cannot be set":
"`options` of an input are those that decide how its files are read. Options that decide how files are written, and those that \
change nothing here, are refused.

Example: `options: {delimeter: ';'}`

Fix: use one of the options in the message; settings of speed stand in `session: {config: ...}`.";

    INPUT_FILES = "E0120", "input-files", "the files of an input cannot be read as the table that they should be":
"A file is cut, has another encoding or a row of another length, a value is not of its column's type, or files that are put \
together have different columns. The message names the file, and the line or the byte.

Example: a CSV file whose line 17 has one value too few.

Fix: mend the file; or say what its columns are (`schema`), that files may lack some (`union_by_name: true`), or how the \
format is written (`options`).";

    ASSERTION_FORM = "E0121", "assertion-form", "an assertion that does not say one thing":
"An assertion says exactly one of `unique`, `not_null`, `accepted`, `relation` and `expression`. A relation compares as many \
columns as it names on the other side. A constraint of the join graph is about one relation; one of type `relation` about \
two, the one with the references first.

Example: `assertions: [{unique: [id], not_null: [id]}]`

Fix: make two of it: `assertions: [{unique: [id]}, {not_null: [id]}]`.";

    DUPLICATE_ASSERTION = "E0122", "duplicate-assertion", "two assertions of one relation have the same name":
"Messages and records tell assertions of a view, an input or an output apart by their names. Constraints of the join graph \
are among them.

Example: `assertions: [{name: keys, unique: [id]}, {name: keys, not_null: [id]}]`

Fix: rename one, or leave `name` out: it is made of the kind and the columns then.";

    JOIN_EDGE_KEYS = "E0123", "join-edge-keys", "an edge of the join graph with an unequal number of keys":
"Keys of the two relations are compared one by one.

Example: `{left_relation: a, right_relation: b, join_type: Inner, left_keys: [x, y], right_keys: [x]}`

Fix: name one key on the right for each on the left.";

    DUPLICATE_TEST = "E0124", "duplicate-test", "two tests have the same name":
"`driver test --test NAME` finds tests by name.

Example: `tests: [{name: totals, view: daily, expect: []}, {name: totals, view: best, expect: []}]`

Fix: rename one of them.";

    TEST_MISFIT = "E0125", "test-misfit", "a test of a view that does not fit the view":
"What can be known of a test before it runs is checked with the spec. A test gives rows for everything that its view needs, and \
only for that. Rows name columns that there are; in those of `expect`, all the same ones. A value is one that the type of its \
column holds exactly: nothing is rounded, cut off or read as something else, and a column that is never NULL has one. `ordered` \
is for queries that end in ORDER BY, `tolerance` is not negative, and `parameters` are those of the spec, by their labels.

Example: `expect: [{count: 1.7}]`, where `count` is Int64 and can never be that.

Fix: the message names the column, its type and what was found. Write decimals that have many digits as text: \
`{total: '12345678901234567.89'}`.";

    AMBIGUOUS_EDGE = "E0126", "ambiguous-edge", "a constraint for which two edges of the join graph fit":
"A constraint of type `relation` names the key columns of its first relation; the columns of the second are the other keys of \
an edge between the two. Two edges with the same keys on one side and different ones on the other leave open which is meant.

Example: edges `{left_keys: [id], right_keys: [buyer]}` and `{left_keys: [id], right_keys: [seller]}`, and a constraint on `[id]`.

Fix: make the constraint an assertion of the first relation, which names both sides: \
`assertions: [{relation: {columns: [id], to: orders, to_columns: [buyer]}}]`.";
}
