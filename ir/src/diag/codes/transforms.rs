//! E03xx: transforms.

use super::code_table;

code_table! {
    UNION_ARITY = "E0301", "union-needs-two-sources", "a union of fewer than two sources":
"Example: `{kind: Union, sources: [calls]}`

`Union` puts the rows of several sources together; one source is a `Project`.

Fix: add a source, or use `{kind: Project, source: calls}`.";

    RELATE_WITHOUT_CONDITION = "E0302", "relate-without-condition", "a join without a condition":
"Every row would be paired with every other.

Example: `{kind: Relate, left: defs, right: refs}`

Fix: give `on`, `span`, or both.";

    INNERMOST_MISUSE = "E0303", "innermost-misuse", "`innermost` without a containment":
"`innermost` keeps the tightest range that contains another, so it needs `span` with `contains` or `within`, and a join \
type of which it is clear what is kept.

Example: `{kind: Relate, ..., on: [file_id], innermost: true}`

Fix: add `span: {relation: contains, left: [start, end], right: [start, end]}`, or remove `innermost`.";

    SPAN_COLUMN_TYPE = "E0304", "span-column-type", "a span column is not an integer":
"Spans are byte offsets: start and end column must be integers.

Example: `span_columns: [name, path]`

Fix: name integer columns, or convert with `CAST(... AS BIGINT)` in a `Project` before.";

    SPAN_JOIN_TYPE = "E0305", "span-join-type", "a join type that spans do not support":
"The message lists the join types that work with this condition.

Example: `join_type: Full` with `span` and `innermost`.

Fix: use a listed join type; a full join is the `Union` of a left join and an anti join the other way round.";

    EMPTY_AGGREGATE = "E0306", "empty-aggregate", "an aggregate that computes nothing":
"Both `group_by` and `aggregations` are empty.

Example: `{kind: Aggregate, source: calls}`

Fix: name at least one column to group by or one aggregation.";

    AGGREGATION_ARGUMENTS = "E0307", "aggregation-arguments", "`column` and `arguments` do not go together":
"An aggregation takes either one `column` or a list of `arguments`; only `count` may have neither.

Example: `{function: sum, alias: total}`

Fix: `{function: sum, column: size, alias: total}` or `{function: sum, arguments: [size * 2], alias: total}`.";

    EMPTY_TRANSFORM = "E0308", "empty-transform", "a transform without the list it works on":
"The transform does its work on a list that is empty.

Example: `{kind: Window, source: calls, columns: []}`

Fix: name at least one entry.";

    CPG_WITHOUT_SOURCES = "E0309", "cpg-without-sources", "`CpgEmit` without sources":
"A table of the code property graph is made from at least one view.

Example: `{kind: CpgEmit, output_kind: Nodes}`

Fix: `sources: [file_nodes, def_nodes]`.";

    CPG_COLUMN = "E0310", "cpg-column", "a source of `CpgEmit` lacks a required column or has it with another type":
"Each table of the graph has fixed columns; the message lists what this one needs.

Example: `{kind: CpgEmit, output_kind: Edges, sources: [calls]}` where `calls` has no `dst_node_id`.

Fix: compute the column in a `Project` before.";

    CDF_BOUNDS = "E0311", "change-feed-bounds", "bounds of a change feed that contradict each other":
"A start or an end is given as a version or as a timestamp, not both, and the start is not after the end.

Example: `{kind: IncrementalCdf, source: nodes, starting_version: 5, ending_version: 3}`

Fix: give one start and one end in order.";

    BAD_TIMESTAMP = "E0312", "bad-timestamp", "a moment that is not RFC 3339":
"Example: `starting_timestamp: yesterday`

Bounds in time are written as RFC 3339 with a zone.

Fix: `starting_timestamp: '2026-01-31T12:00:00Z'`";

    CDF_NOT_ENABLED = "E0313", "change-feed-not-enabled", "a table does not record changes":
"`IncrementalCdf` needs a table whose property `delta.enableChangeDataFeed` is true for all versions read.

Example: an input that was created without the property.

Fix: set the property and read from the version it was set at.";

    BAD_SELECT = "E0314", "bad-select", "an entry of `select` that cannot be read":
"Entries are `left.column`, `right.column`, `left.column as name`, `left.*` or `{from, column, name}`.

Example: `select: [path]` does not say from which side.

Fix: `select: [left.path]`";

    SELECT_RIGHT_OF_SEMI = "E0315", "select-right-of-semi", "a semi or anti join has no columns from the right":
"`Semi` and `Anti` keep rows of the left side only.

Example: `{kind: Relate, join_type: Anti, ..., select: [right.path]}`

Fix: remove the entry, or use `Inner` or `Left`.";

    NOT_A_WINDOW = "E0316", "not-a-window", "a column of `Window` without a window function":
"Example: `{kind: Window, source: calls, columns: [{name: n, expr: line + 1}]}`

`Window` adds columns computed with `OVER (...)`; others belong into `Project`.

Fix: `expr: row_number() OVER (PARTITION BY file_id ORDER BY line)`, or use `Project`.";

    UNKNOWN_CACHE_VIEW = "E0317", "unknown-cache-view", "a cache override names a view that does not exist":
"`cache_policy.overrides` decides about views of this spec by name.

Example: `overrides: [{view_name: cals, action: ForceCache}]`

Fix: correct the name, or remove the override.";

    AGGREGATE_ORDER = "E0318", "bad-order", "an entry of `order_by` that cannot be read":
"Entries are a SQL expression, then optionally `ASC` or `DESC`, then optionally `NULLS FIRST` or `NULLS LAST`.

Example: `order_by: [score down]`

Fix: `order_by: [score DESC NULLS LAST]`";

    DERIVED_NAME_TAKEN = "E0319", "derived-name-taken", "a column that a transform adds exists already":
"`Normalize` adds `entity_id`, `span` and `<column>_normalized`; `Union` adds its discriminator; `IncrementalCdf` adds \
`_change_type` and others. The source must not have a column of that name.

Example: a `Normalize` with `id_columns` over a view that has `entity_id`.

Fix: rename the source's column in a `Project` before.";
}
