//! E09xx: the configuration.

use super::code_table;

code_table! {
    CONFIGURATION_UNREADABLE = "E0901", "configuration-unreadable", "the configuration file cannot be read":
"It is not there, may not be read, is no regular file, has more than 64 KiB, or is not UTF-8. A file in the user's own folder \
for configuration need not be there; one that `--config` or `CODEANATOMY_CONFIG` names must be.

Example: `driver run spec.yaml --config codeanatomy.yaml` where the file is `codeanatomy.toml`.

Fix: see the cause in the message; correct the path or the permissions.";

    CONFIGURATION_SYNTAX = "E0902", "configuration-syntax", "the configuration is not TOML":
"The text cannot be parsed. It is not shown, because there may be a secret in it.

Example: `lake = /data/lake` without quotes.

Fix: look at the line and the column in the message.";

    CONFIGURATION_KEY = "E0903", "configuration-key", "a key that the configuration does not have":
"Keys that do not exist are refused: a mistyped one would be ignored in silence.

Example: `memory-limit = \"2GiB\"` (it is `memory_limit`).

Fix: use one of the keys in the message; `driver config` lists all of them.";

    CONFIGURATION_VALUE = "E0904", "configuration-value", "a value that a setting cannot have":
"The value has another type than the setting, is none of its words, is out of its range, or is no folder's path. It may stand \
in the configuration or in a variable of the environment; the message says where. Values are not shown, because one of them may be a \
secret in the wrong place.

Example: `threads = \"many\"`, `CODEANATOMY_MEMORY_LIMIT=2 gigs`, `lake = \"env:LAKE\"`.

Fix: write it as the message says.";

    LITERAL_SECRET = "E0905", "literal-secret", "a credential that is written out":
"What opens a store is named and not written: `env:NAME` is the variable of the environment that has it. Files are copied, shown \
and committed, and so are the secrets in them.

Example:

    [stores.\"s3://bucket/prefix\"]
    secret_access_key = \"...\"

Fix: put it into a variable, write `\"env:AWS_SECRET_ACCESS_KEY\"`, and replace the secret if the file was ever shared.";

    CONFIGURATION_NOT_TRUSTED = "E0906", "configuration-not-trusted", "a configuration that anybody may change":
"The configuration says which folders a spec may use, so whoever may write the file may allow everything. One that all users of \
the machine may write is not read.

Example: a file with the permissions `rw-rw-rw-`.

Fix: `chmod o-w FILE`, after a look at what it says.";
}
