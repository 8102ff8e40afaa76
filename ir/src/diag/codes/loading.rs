//! E00xx: reading the spec.

use super::code_table;

code_table! {
    SPEC_TOO_LARGE = "E0001", "spec-too-large", "the spec is larger than 4 MiB":
"A spec describes tables; it does not hold data. Files over 4 MiB are refused before they are parsed.

Example: a spec with a list of 200,000 literals in a predicate.

Fix: put the data into a Delta table, name it under `input_relations`, and join it with `Relate`.";

    SPEC_NOT_UTF8 = "E0002", "spec-not-utf8", "the spec is not UTF-8":
"Specs are read as UTF-8, with or without a byte order mark.

Example: a file saved as UTF-16 or Latin-1.

Fix: save the file as UTF-8, for example with `iconv -f LATIN1 -t UTF-8 spec.yaml`. The message gives the first byte \
that is wrong.";

    SYNTAX = "E0003", "syntax", "the text is neither YAML nor JSON":
"The text cannot be parsed. A text that starts with `{` and then `\"` or `}` is read as JSON, everything else as YAML 1.2.

Example:

    view_definitions:
      - name: calls
       transform: {kind: Project, source: raw}   # one space short

Fix: look at the place the message points to, and just before it: an indentation, a missing quote, comma or colon.";

    SEVERAL_DOCUMENTS = "E0004", "several-documents", "the file holds several YAML documents":
"One file is one spec. A line `---` between two documents starts a second one, which would be ignored.

Example:

    version: 4
    ---
    version: 4

Fix: put the second document into its own file.";

    ALIAS = "E0005", "alias-or-tag", "anchors, aliases, tags and merge keys are not allowed":
"`&name`, `*name`, `!tag` and `<<` make a small file mean a large or a surprising document, and JSON has none of them. \
They are refused so that what is written is what is read.

Example:

    columns: &cols [path, name]
    other: *cols

Fix: write the value out where it is used. For a value that only looks like one of these, use quotes: `'*'`.";

    DUPLICATE_KEY = "E0006", "duplicate-key", "a key appears twice in the same map":
"Parsers disagree about which of two equal keys counts, so neither does.

Example:

    {kind: Filter, source: calls, source: defs}

Fix: remove one of them.";

    TOO_DEEP = "E0007", "too-deep", "the spec is nested too deeply":
"Maps and lists may be nested 64 deep. No field of a spec needs more than ten.

Example: `[[[[...]]]]` with 65 brackets.

Fix: check for brackets that are never closed; generated specs may be wrapping lists in lists.";

    BAD_NUMBER = "E0008", "bad-number", "a number cannot be represented":
"Integers must fit 64 bits with sign, other numbers must be finite doubles. Anything else would change its value \
silently. Sizes and counts must not be negative, and some of them not 0; the message says so.

Example: `value: 9223372036854775808`, `value: 1e400`, `value: .nan`

Fix: use a number in range, or quotes if a text is meant.";

    UNKNOWN_FIELD = "E0009", "unknown-field", "a field that does not exist":
"Fields that the format does not have are refused: a mistyped name would otherwise be ignored in silence.

Example:

    transform: {kind: Filter, source: calls, predicat: kind = 'call'}

Fix: use one of the names listed in the message. `driver schema` prints all of them; an editor that is given the schema \
completes them.";

    MISSING_FIELD = "E0010", "missing-field", "a required field is missing":
"The field has no default.

Example: `{kind: Filter, source: calls}` has no `predicate`.

Fix: add the field. `driver schema` says what it means.";

    WRONG_SHAPE = "E0011", "wrong-shape", "a value has the wrong type":
"A text where a list belongs, a number where a name belongs, and so on. In YAML a plain `true`, `12` or `null` is not a \
text; in quotes it is.

Example:

    partition_by: language      # a list belongs here: [language]
    predicate: true             # a text belongs here: 'true'

Fix: write the value in the form the message names.";

    UNKNOWN_VARIANT = "E0012", "unknown-variant", "a word that is not one of the allowed words":
"The field takes one of a few words, in exactly this spelling.

Example: `join_type: inner` (it is `Inner`), `kind: Select` (it is `Project`).

Fix: use one of the words in the message.";

    UNSUPPORTED_VERSION = "E0013", "unsupported-version", "the version of the spec is not 4":
"This program reads version 4 of the format only. Guessing what an older or newer spec means could compute the wrong \
tables.

Example: `version: 3`

Fix, for versions below 4: rename `parameter_templates` to `typed_parameters` and give every parameter a typed value; \
replace join keys named `bstart`/`bend` by `span`; settle columns that both sides of a `Relate` have by `select` or \
`suffix`; then write `version: 4`. For versions above 4: use a newer program.";

    PARAMETER_TEMPLATES = "E0014", "parameter-templates", "`parameter_templates` is no longer part of the format":
"Templates put text into SQL. Typed parameters put values into the plan and cannot change its meaning.

Example:

    typed_parameters:
      - target: {kind: PlaceholderPos, position: 1}
        value: {type: Utf8, value: main}

Fix: give each template a typed parameter, and write `$1`, `$2`, ... where the text was put in.";

    BAD_NAME = "E0015", "bad-name", "a name that cannot be used":
"Names of inputs, views and outputs must have 1 to 128 characters, be in Unicode normalization form C, and be without \
control characters, `.` and `@`. Names of columns may have `.` and `@`.

Example: `name: db.calls`, `name: ''`

Fix: choose another name, such as `db_calls`. For form C, retype the accented letters or normalize the file.";

    NOT_A_MAP = "E0016", "not-a-spec", "the document is not a spec":
"A spec is a map with `version`, `input_relations`, `view_definitions` and `output_targets`.

Example: an empty file, or a file that holds a list.

Fix: start from

    version: 4
    input_relations: []
    view_definitions: []
    output_targets: []";

    EMPTY_LIST = "E0017", "empty-spec", "a spec without views or outputs":
"A spec with nothing to compute or nothing to write would be a run that does nothing.

Example: `output_targets: []`

Fix: add a view and an output that reads it. `driver check` needs both too.";
}
