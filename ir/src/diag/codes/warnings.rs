//! W0xxx: warnings.

use super::code_table;

code_table! {
    BROAD_PROJECTION = "W0001", "broad-projection", "a projection of very many columns":
"More than 64 columns are named. It works; it is often a sign that all columns were copied by a generator, and each is \
read and written.

Example: a `Project` with 80 names.

Fix: leave `columns` empty to take all, or name what is needed.";

    IMPLICIT_COERCION = "W0002", "implicit-coercion", "join keys of different numeric types":
"The keys are converted for every comparison, and large values of one type may not exist in the other.

Example: `on: [{left: line, right: line_no}]` with `Int64` and `Float64`.

Fix: convert one side with `CAST` in a `Project` before.";

    NON_DETERMINISTIC = "W0003", "non-deterministic", "a view that gives another result each time":
"It uses a function such as `random()` or `now()`. Results cannot be compared between runs, and a run cannot be skipped \
because nothing changed.

Example: `{name: id, expr: random()}`

Fix: use a value from the data, such as a hash of the key columns.";

    UNUSED_VIEW = "W0004", "unused-view", "a view that no output needs":
"It is checked, but not computed.

Example: a view left over from an experiment.

Fix: remove it, or write it with an output.";

    UNUSED_INPUT = "W0005", "unused-input", "an input that no view reads":
"It is not read.

Example: an input whose view was removed.

Fix: remove it.";

    MIXED_PROTOCOLS = "W0006", "mixed-protocols", "tables with different Delta protocol versions":
"Tables put together in one view were written by programs of different ages. It works; statistics and features may \
differ.

Example: a `Union` of a table with reader version 1 and one with 3.

Fix: none is needed; upgrade the older table to silence the warning.";

    LOSSY_UNION = "W0007", "union-fills-nulls", "a source of a union lacks columns":
"Rows from it have NULL there.

Example: a `Union` of `defs` with `docstring` and `imports` without.

Fix: none is needed if that is meant; otherwise add the column, or check its spelling.";

    REDUNDANT_FILTER = "W0008", "constant-filter", "a condition that is always true or never":
"Whether it holds does not depend on the row, so the view keeps everything or nothing.

Example: `predicate: 1 = 1`

Fix: remove the view, or correct the condition.";

    UNREADABLE_PROOFS = "W0009", "unreadable-proofs", "what an earlier compilation proved cannot be read":
"The file in `.codeanatomy/compiled` beside the spec holds the types that earlier compilations worked out. It is damaged, \
or not such a file; everything is worked out again and the file is replaced.

Example: a file that a full disk cut short.

Fix: none is needed; if the warning comes back, check who else writes to the folder.";

    COMMENT_TO_THE_END = "W0010", "comment-to-the-end", "a `--` comment in a text of one line":
"A comment that starts with `--` goes to the end of the line, and here that is the end of the text.

Example: `predicate: a > 1 -- large AND b`, where `b` is part of the comment.

Fix: write the comment as `/* large */`, or the text as a block of several lines after `|`.";

    COLUMN_CASE_IN_VIEW = "W0011", "view-columns-differ-by-case", "columns of a view differ in nothing but letter case":
"Names of columns are compared exactly, so they are two columns. Often one of them was misspelt, and each is NULL \
where the other has a value. No output can hold both.

Example: `SELECT * FROM old UNION ALL BY NAME SELECT * FROM new` where `old` has `userId` and `new` has `userid`.

Fix: give both one name, or give them names that differ in more.";

    CACHE_WITHOUT_EFFECT = "W0012", "cache-without-effect", "a cache setting that has no effect":
"The view is not cached as the setting says: no output needs it; its rows are those of another view, for which the spec says \
the opposite; its readers would see different rows if each computed it (it holds `random()`, a `LIMIT` without a total \
order, row numbers among equal keys, or something below it does); or computing it again and again would make plans too \
large.

Example: `{view_name: sample, action: NeverCache}` where `sample` is `SELECT * FROM t LIMIT 10` and two outputs read it.

Fix: remove the setting, or make the view give the same rows each time: sort by columns that tell all rows apart.";

    FILTER_WITHOUT_EFFECT = "W0013", "filter-without-effect", "an equality parameter filters nothing that is written":
"The table or view it filters is there, but no output needs it, so the parameter changes no row. Where only a part of a spec \
is compiled and none of its inputs has the column, it is not known whether another one has.

Example: `target: {kind: FilterEq, base_table: nodes, filter_column: path}` where only a change feed of `nodes` is used.

Fix: name the view that should be filtered, or remove the parameter.";

    VOID_COLUMN = "W0014", "void-column", "a column without a type is not written":
"All that is known of the column is that it is NULL in every row. No table holds such columns, so it is left out of the \
output.

Example: `SELECT id, NULL AS note FROM t`, or a table of Spark with a column of type `void`.

Fix: give it a type, `CAST(NULL AS VARCHAR) AS note`, or leave it out.";

    COST_MODEL_STATS_FALLBACK = "W0015", "cost-model-stats-fallback", "costs are estimated without statistics":
"It is not known how many rows an input has: its table was written without statistics, or it is a change feed. A constant \
stands in, so the costs of all that reads it say little. They decide what is shared and what runs first, and no row.

Example: a table whose log has no `numRecords`.

Fix: none is needed; write the table with statistics if views are shared that should not be, or the other way round.";

    RESERVED_PROFILE_KNOB = "W0016", "reserved-profile-knob-ignored", "a knob of the profile that turns nothing":
"The field is part of the format and is accepted, but nothing that runs here reads it. The message says why.

Example: `runtime_profile: {list_files_cache_ttl: 5m}`: the files of a Delta table are listed by its log.

Fix: leave the field out.";

    RECORDS_NOT_EXPIRED = "W0017", "records-not-expired", "records of old runs could not be deleted":
"They are older than `record_retention` of the spec says, and stay where they are. The run itself is not concerned.

Example: the folder `.codeanatomy/runs` belongs to somebody else.

Fix: see the cause in the message, or delete the files.";

    HISTORY_UNREAD = "W0018", "history-unread", "what earlier runs counted could not be read":
"The spec says `use_historical_metrics`, and records of earlier runs in `.codeanatomy/runs` are damaged, of another format, \
or cannot be opened. Costs are estimated without them. They decide what is shared and what runs first, and no row.

Example: records of the version of CodeAnatomy before this one.

Fix: none is needed; the next runs leave records that can be read. Delete those that cannot.";

    CAPTURE_NOT_WRITTEN = "W0019", "capture-not-written", "how a run was planned could not be kept":
"The spec says `compliance_capture: true`, and the file beside the record could not be written. The run itself is not \
concerned: what it published stands, and its record has no capture.

Example: the disk is full.

Fix: see the cause in the message, and run again.";

    EXTENSION_NOT_LISTED = "W0020", "extension-not-listed", "an extension that the spec does not list":
"It is used, and the spec asks to be told: `extension_governance_mode: warn_on_unregistered`. An extension is every part of \
the session that is not DataFusion's own as it ships; `driver explain E0605` says more.

Example: a view that calls `stable_hash64(name)` without `session: {allowed_extensions: {functions: [stable_hash64]}}`.

Fix: list the name under its kind, or `codeanatomy` for all of the kind that ships with this program.";

    UNKNOWN_LISTED_EXTENSION = "W0021", "unknown-listed-extension", "a listed extension that the session does not have":
"The name in `session.allowed_extensions` is that of no part of its kind, so it allows nothing.

Example: `session: {allowed_extensions: {functions: [stable_hash46]}}`

Fix: the message names the nearest part; `driver session` lists all of them.";

    CONFIGURATION_NOT_READ = "W0025", "configuration-not-read", "a configuration file that is not read":
"There is a `codeanatomy.toml` beside the spec or in the repository. A spec and a repository can come from anywhere, and would \
allow themselves with it what their user does not. The configuration is read from where `--config` or `CODEANATOMY_CONFIG` \
says, or from the user's own folder for configuration; `driver config` shows which.

Example: `codeanatomy.toml` beside `spec.yaml`.

Fix: name it with `--config` if it is yours; otherwise nothing is to be done.";

    EVENTS_NOT_WRITTEN = "W0026", "events-not-written", "a file of events or of lineage is not complete":
"`--events FILE` or `--lineage FILE` was asked for, and a line could not be added to the file. What was run is not concerned: it \
went on, and what it published stands. The lines before are there, and nothing was added after the first that failed.

Example: the disk is full, or the reader of a pipe went away.

Fix: see the cause in the message.";

    ASSERTION_WARNED = "W0031", "assertion-warned", "rows fail an assertion of severity warn":
"The spec asserts something of a view, an input or an output, and it does not hold of the rows that are published. The run \
goes on, because the spec says so. The number of failing rows is in the record; the rows are shown once and not kept.

Example: `assertions: [{not_null: [name], severity: warn}]`

Fix: correct the view or its inputs. `severity: error`, the default, publishes nothing then.";

    JOIN_EDGE_DIFFERS = "W0032", "join-edge-differs", "a view joins two relations in another way than the join graph says":
"An edge of the join graph says by which columns two relations join, and which rows that keeps. A `Relate` view of the two has \
other keys or another type of join. What a view says is what is computed; one of the two is likely to be wrong. `Sql` views are \
not compared.

Example: an edge with `left_keys: [customer_id]` and a view with `on: [id]` over the same relations.

Fix: correct the view or the edge.";
}
