//! E06xx: what is not supported or not allowed, and E07xx: running.

use super::code_table;

code_table! {
    NOT_SUPPORTED_YET = "E0601", "not-supported-yet", "a field whose feature does not exist yet":
"The field is part of the format, but this version of the program would not do what it says. It is refused, because \
ignoring it would be a silent surprise.

Example: `runtime: {tuner_mode: Apply}`

Fix: remove the field, or give it its default; the message says which that is.";

    NOT_SUPPORTED_COMBINATION = "E0602", "not-supported-combination", "fields that do not work together yet":
"Each of the fields works with other values of the other one.

Example: `materialization_mode: Append, schema_mode: replace`, or `max_commit_retries: 3` for an output that overwrites.

Fix: remove one of them; the message says what each would do.";

    UNKNOWN_PROFILE = "E0603", "unknown-profile", "a profile that does not exist":
"The name is none of the profiles that ship with the program, and no field beside it makes a profile of this spec.

Example: `runtime_profile: {profile_name: meduim}`

Fix: choose `auto`, `small`, `medium` or `large`, or set the fields that make the profile.";

    SESSION_SETTING = "E0604", "session-setting", "a setting of the session that cannot be set":
"The key is no setting of DataFusion, its value is none that the setting can have, or nothing that runs a spec reads it.

Example: `session: {config: {datafusion.optimizer.prefer_hash_joins: false}}`

Fix: the message names the nearest key, or says why the setting is not open; `driver session` lists all of them.";

    EXTENSION_NOT_ALLOWED = "E0605", "extension-not-allowed", "an extension that the spec does not allow":
"An extension is every part of the session that is not DataFusion's own as it ships: functions, planners, rewrites and rules \
of this program, and what a program that embeds this one has added. With `extension_governance_mode: strict_allowlist` a spec \
uses only what `session.allowed_extensions` lists. A function counts where the spec calls it, by whatever name; everything \
else counts because the session has it. What an operator of SQL or a transform stands for (checked arithmetic, the ids of \
`Normalize`) is the language, and not listed. Nothing is opened or computed.

Example: `runtime: {extension_governance_mode: strict_allowlist}` and a view that calls `stable_hash64(name)`.

Fix: list the name under its kind, or `codeanatomy` for all of the kind that ships with this program: \
`session: {allowed_extensions: {functions: [codeanatomy], optimizer_rules: [codeanatomy]}}`. `driver session` lists all of them.";

    UNKNOWN_EXTENSION = "E0606", "unknown-extension", "an allowed extension that the session does not have":
"The name in `session.allowed_extensions` is that of no part of its kind, so it allows nothing. Under `strict_allowlist` that \
is an error: what was meant stays refused.

Example: `session: {allowed_extensions: {functions: [stable_hash46]}}`

Fix: the message names the nearest part; `driver session` lists all of them.";

    CAPABILITY_UNAVAILABLE = "E0607", "capability-unavailable", "a field that asks for what this program cannot do":
"The field asks for an ability that no build of this program has. It is refused, because ignoring it would be a silent \
surprise. The message names the ability, and `driver session` lists those that are there and those that are not.

Example: `runtime: {capture_substrait: true}`

Fix: remove the field, or give it its default; the message says which that is.";

    OUTSIDE_ROOTS = "E0610", "outside-roots", "a place outside the folders that a spec may use":
"A spec reads and writes below its own folder, in the lake, and in the folders that its user allows; nothing else. Where a \
location leads counts, and not how it is written: `..`, links and `file://` URLs are followed first. Whether anything is there \
was not asked. What may be read only may not be written.

Example: `delta_location: ../other/orders`, or `tables/orders` where `tables` is a link to a folder elsewhere.

Fix: if the spec is to be trusted with the folder, run with `--allow DIR` (or `--allow-read DIR`), or list it under \
`[roots]` in `codeanatomy.toml`; `driver config` shows what is allowed and who says so.";

    TRACES_NOT_ALLOWED = "E0618", "traces-not-allowed", "traces that would be sent where the user did not say":
"The spec asks for traces (`runtime.tracing`), and a spec may come from anywhere: where traces go is for the user to say. They \
are sent to that address and no other, so one in the spec must be the same. Only builds with the feature `otel` send traces.

Example: `runtime: {tracing: {enabled: true}}`, run without `--otlp-endpoint` and without OTEL_EXPORTER_OTLP_ENDPOINT.

Fix: give the address of a collector, such as `--otlp-endpoint http://127.0.0.1:4318`, or take the request out of the spec.";

    READ_FAILED = "E0701", "read-failed", "an input cannot be read":
"The table could be opened, but a data file is missing, damaged, or cannot be reached.

Example: a file named in the log was removed by a vacuum.

Fix: see the cause in the message; pin an older version that is complete, or repair the table.";

    WRITE_FAILED = "E0702", "write-failed", "data files of an output cannot be written":
"Nothing has been committed; files already written are not part of any table.

Example: the disk is full, or the store denies access.

Fix: see the cause in the message and run again.";

    COMMIT_FAILED = "E0703", "commit-failed", "an output cannot be committed":
"The data files are written, but the table's log does not accept them.

Example: the program may write files but not `_delta_log`.

Fix: see the cause in the message. The message lists the outputs that were committed before.";

    COMMIT_CONFLICT = "E0704", "commit-conflict", "somebody else changed an output at the same time":
"Another commit to the table came first, and this one was computed from the version before it. Nothing was published over \
it. Appends are tried again after other appends, 15 times or as often as `max_commit_retries` says; overwrites are not, and neither are appends to outputs with assertions or of a code \
property graph: what was checked is the version that would have come next.

Example: another program that writes to a table while a run computes its next version.

Fix: run again when the other writer is done.";

    OUT_OF_MEMORY = "E0705", "out-of-memory", "the memory limit was reached":
"An operator that cannot spill to disk needed more than the limit.

Example: one group of `array_agg` that is larger than the memory pool.

Fix: raise the limit, or make the group smaller; the message names the operator.";

    OUT_OF_DISK = "E0706", "out-of-disk", "the limit for temporary files was reached":
"Operators that spill needed more disk than allowed or available.

Example: a sort of a table larger than the free disk.

Fix: free space, raise the limit, or set another temporary folder.";

    EXECUTION_FAILED = "E0707", "execution-failed", "a value made the computation fail":
"The plan is right, but a row is not: a division by zero, a text that is not a number, an overflow.

Example: `expr: CAST(name AS BIGINT)` over a name `main`.

Fix: `TRY_CAST` gives NULL instead; or filter such rows before.";

    DANGLING_EDGE = "E0708", "dangling-edge", "an edge ends at a node that does not exist":
"Both ends of each edge of a code property graph must be nodes of it. Outputs of `CpgEmit` views are checked as they \
would be, before anything is published: with the rows that an append keeps, and if nodes are published by the same spec.

Example: an edge view that takes references from files that the node view leaves out.

Fix: join the edge view with the nodes, or add the missing nodes.";

    ID_COLLISION = "E0709", "id-collision", "two rows have the same identifier":
"Identifiers are hashes and must be unique in a table. Outputs of `CpgEmit` views \
are checked before anything is published, and so is an extraction.

Example: a view that gives one node twice.

Fix: make the view distinct, or add a column to what identifies its rows.";

    CANCELLED = "E0710", "cancelled", "the run was stopped":
"Somebody or a limit ended the run before it was done.

Example: Ctrl-C, or a time limit. Outputs that were not yet committed are unchanged.

Fix: run again.";

    SPEC_UNREADABLE = "E0711", "spec-unreadable", "the spec's file cannot be read":
"There is no such file, or it may not be read.

Example: `driver check spec.yml` where the file is `spec.yaml`.

Fix: correct the path or the permissions.";

    STORE_UNREACHABLE = "E0712", "store-unreachable", "a store cannot be reached":
"The storage did not say what is at the place of an output: it may not be read, or does not answer.

Example: a folder without the permission to list it.

Fix: see the cause in the message; check the permissions and the mount.";

    NO_PROGRESS = "E0713", "no-progress", "a run stood still":
"For longer than the timeout no operator took or gave a row, nothing was read, written or spilled, and no thread computed. \
The run was ended, and nothing was published. The message names the views and outputs that were running and the operators in \
them that had not ended, inputs first.

Example: a store that accepts a request and does not answer.

Fix: if something outside is only slow, raise `--no-progress-timeout`; otherwise please report it with the message.";

    FOREIGN_FOLDER = "E0714", "foreign-folder", "a folder that would be written to may be somebody else's":
"A repository, or the folder of a spec, can bring folders with the names this program uses: as symbolic links, so that what \
they lead to would be overwritten, or with tables in them. Links are not followed, a lake inside a repository is used only \
if this program made it, and a lock is a file. Nothing is written.

Example: `driver build` of a repository in which `.codeanatomy/lake` is a link.

Fix: look at the folder in the message; remove it if nothing in it is needed, or name another lake with `--lake DIR`.";

    TABLE_LOCKED = "E0715", "table-locked", "another process is writing a table of an output":
"One build or run at a time publishes to a table; others wait until it has ended, as long as `--lock-timeout` says. Appends \
do not wait for each other. The lock is one of the system on a file in `.codeanatomy/locks` beside the table, and ends with the \
process that has it: there is nothing to clean up after one that was killed.

Example: two `driver build` of one repository at once, with `--lock-timeout 0`.

Fix: let the process that the message names end, and run again.";

    RESULT_CLASS = "E0716", "result-class", "rows that may differ when they are computed again":
"The run asks for outputs whose rows are the same whenever they are computed from the same tables (`--require`), and something below this one is not: a sum of floating-point numbers depends on the order in which they come (tolerance), `LIMIT` without a total order, row numbers among equal keys and first values depend on the order of rows (logical), `random()` and `now()` give other values each time (none).

Example: `driver run --require bitwise` of `SELECT k, sum(price) AS total FROM t GROUP BY k` where `price` is a DOUBLE.

Fix: add up decimals, sort by columns that tell all rows apart, or ask for less.";

    ASSERTION_FAILED = "E0721", "assertion-failed", "rows fail an assertion":
"The spec asserts something of a view, an input or an output, and it does not hold of the rows that would be published. \
All assertions are evaluated, failing rows are counted (of `unique`, the keys that several rows have), the first are shown, and \
nothing is published. An output is looked at as its table would be, with the rows that an append keeps.

Example: `assertions: [{unique: [id]}]` of a view in which two rows have the id 7.

Fix: correct the view or its inputs. `severity: warn` publishes and tells the number of rows.";

    TEST_NOT_RUN = "E0722", "test-not-run", "a test of a view that cannot be run":
"What it gives cannot be written into its temporary tables. What does not fit the view is told before (E0125).

Example: a given column of a type that no Delta table has, such as Time64.

Fix: see the message.";

    UNKNOWN_TEST = "E0723", "unknown-test", "a test that the spec does not have":
"`driver test --test NAME` runs the test of this name alone.

Example: `driver test spec.yaml --test totls`

Fix: the message names the nearest test.";
}
