"""What `ir/hash/HASHES.md` defines, in Python: written from that page, for `hashes_check.py`.

Values are those that `json` and `yaml` read; tables are read from the files of their logs and their data files, with no library
for Delta. Needs `pip install blake3 xxhash pyarrow`.
"""

import datetime
import decimal
import json
import math
import pathlib
import re
import struct
import urllib.parse

import blake3
import pyarrow
import pyarrow.parquet
import xxhash


# The encoding


def encoded(value):
    if value is None:
        return b"\x00"
    if isinstance(value, bool):
        return b"\x02" if value else b"\x01"
    if isinstance(value, int):
        return b"\x03" + value.to_bytes(16, "little", signed=True)
    if isinstance(value, float):
        return b"\x04" + struct.pack("<d", value)
    if isinstance(value, str):
        return b"\x05" + counted(value.encode())
    if isinstance(value, list):
        return b"\x06" + length(value) + b"".join(map(encoded, value))
    entries = sorted(value.items(), key=lambda entry: entry[0].encode())
    return b"\x07" + length(entries) + b"".join(encoded(key) + encoded(item) for key, item in entries)


def length(items):
    return len(items).to_bytes(8, "little")


def counted(data):
    return length(data) + data


def digest(domain, value):
    return blake3.blake3(encoded(domain) + encoded(value)).hexdigest()


def digest_of_bytes(data):
    return blake3.blake3(data).hexdigest()


# RFC 8785, and the spec


EXACT = 2**53


def canonical(value):
    """The JSON of RFC 8785, where integers that no double holds are texts."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int):
        return str(value) if abs(value) <= EXACT else canonical(f"integer:{value}")
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    entries = sorted(value.items(), key=lambda entry: entry[0].encode("utf-16-be"))
    return "{" + ",".join(canonical(key) + ":" + canonical(item) for key, item in entries) + "}"


def number(value):
    """A double as ECMAScript writes it (Number::toString)."""
    if value == 0:
        return "0"
    if value < 0:
        return "-" + number(-value)
    # `repr` has the shortest digits that give the double back, as ECMAScript has.
    _, digits, exponent = decimal.Decimal(repr(value)).normalize().as_tuple()
    digits, point = "".join(map(str, digits)), len(digits) + exponent
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    fraction = "." + digits[1:] if digits[1:] else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"


def spec_hash(spec):
    return digest_of_bytes(canonical({field: value for field, value in spec.items() if field != "tests"}).encode())


class SpecSchema:
    """Writes out what a spec leaves out, after the JSON Schema that `driver schema` prints."""

    def __init__(self, schema):
        self.schema = schema

    def complete(self, spec):
        return self.filled(spec, self.schema)

    def filled(self, value, schema):
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            value = LONG_FORMS.get(name, lambda form: form)(value)
            return DEFAULTS_LEFT_OUT.get(name, lambda form: form)(self.filled(value, self.schema["$defs"][name]))
        if "anyOf" in schema:
            return None if value is None else self.filled(value, schema["anyOf"][0])
        if "oneOf" in schema:
            branch = next((branch for branch in schema["oneOf"] if fits(value, branch)), None)
            return self.filled(value, branch) if branch else value
        if isinstance(value, list):
            return [self.filled(item, schema.get("items", {})) for item in value]
        if isinstance(value, dict) and "properties" in schema:
            return self.filled_fields(value, schema["properties"])
        if schema.get("format") == "double":
            return float(value)
        return value

    def filled_fields(self, fields, properties):
        found = {}
        for name, schema in properties.items():
            if name in fields:
                found[name] = self.filled(fields[name], schema)
            elif "default" in schema:
                found[name] = schema["default"]
        return found


def fits(value, branch):
    """Whether a branch of `oneOf` is that of the value: it has its tag, or is of its type."""
    if not isinstance(value, dict):
        return branch["type"] == {str: "string", list: "array"}[type(value)] and branch.get("const", value) == value
    constants = {name: field["const"] for name, field in branch.get("properties", {}).items() if "const" in field}
    return branch["type"] == "object" and all(value.get(name) == constant for name, constant in constants.items())


def long_join_key(form):
    return {"left": form, "right": form} if isinstance(form, str) else form


def long_select_entry(form):
    if isinstance(form, dict):
        return {"name": None, **form}
    side, column, name = re.fullmatch(r"(left|right)\.(.*?)(?: as (.*))?", form).groups()
    return form if column == "*" else {"from": side, "column": column, "name": name}


def long_suffix(form):
    return ["", form] if isinstance(form, str) else form


def short_sort_column(form):
    return form["column"] if isinstance(form, dict) and not form["descending"] else form


def plain_output(output):
    defaults = {"schema_mode": "strict", "sort_by": []}
    return {name: value for name, value in output.items() if name not in defaults or value != defaults[name]}


def plain_session(session):
    return {name: value for name, value in session.items() if name != "allowed_extensions" or any(value.values())}


LONG_FORMS = {"JoinKey": long_join_key, "SelectEntry": long_select_entry, "NameSuffix": long_suffix}
DEFAULTS_LEFT_OUT = {"SortColumn": short_sort_column, "OutputTarget": plain_output, "SessionSpec": plain_session}


# Tables


class Log:
    """The log of a Delta table, as its JSON files have it; `removed` is a folder of files that the table had."""

    def __init__(self, table, removed=None):
        self.table = pathlib.Path(table)
        self.folder = self.table / "_delta_log"
        self.removed = removed and pathlib.Path(removed)

    def commit_file(self, version):
        return self.folder / f"{version:020}.json"

    def versions(self):
        folders = [self.folder] + ([self.removed] if self.removed else [])
        return sorted(int(file.stem) for folder in folders for file in folder.glob("*.json") if file.stem.isdigit())

    def actions(self, version):
        file = self.commit_file(version)
        if not file.exists():
            file = self.removed / file.name
        return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]

    def state(self, version):
        """Metadata, protocol and active files of a version."""
        metadata, protocol, files = None, None, {}
        for earlier in range(version + 1):
            actions = self.actions(earlier)
            for action in actions:
                metadata = action.get("metaData", metadata)
                protocol = action.get("protocol", protocol)
                if "remove" in action:
                    files.pop(file_key(action["remove"]), None)
            files.update((file_key(action["add"]), action["add"]) for action in actions if "add" in action)
        return metadata, protocol, list(files.values())


def file_key(action):
    return action["path"], json.dumps(action.get("deletionVector"), sort_keys=True)


def columns_of(metadata):
    return json.loads(metadata["schemaString"])["fields"]


def protocol_map(protocol):
    return {
        "min_reader_version": protocol["minReaderVersion"],
        "min_writer_version": protocol["minWriterVersion"],
        "reader_features": sorted(protocol.get("readerFeatures") or []),
        "writer_features": sorted(protocol.get("writerFeatures") or []),
    }


def file_hash(add):
    vector = add.get("deletionVector")
    return digest("codeanatomy file 1", {
        "deletion_vector": vector and [
            vector["storageType"], vector["pathOrInlineDv"], vector.get("offset", -1), vector["cardinality"],
        ],
        "modification_time": add["modificationTime"],
        "partition_values": add["partitionValues"],
        "path": urllib.parse.unquote(add["path"]),
        "size": add["size"],
    })


def files_hash(log, version):
    metadata, _, files = log.state(version)
    return digest("codeanatomy files 1", {
        "files": sorted(map(file_hash, files)),
        "partition_columns": metadata["partitionColumns"],
        "properties": metadata["configuration"],
        "schema": metadata["schemaString"],
        "table_id": metadata["id"],
    })


def rows_hash(log, version):
    file = log.commit_file(version)
    return digest_of_bytes(file.read_bytes()) if file.exists() else files_hash(log, version)


def identity_hash(log, version, scan, types):
    """The identity of a table's version; `types` are the names of its columns' types in the text form of graphs."""
    metadata, protocol, _ = log.state(version)
    fields = columns_of(metadata)
    schema = [{"name": field["name"], "nullable": field["nullable"], "type": types[field["name"]]} for field in fields]
    return digest("codeanatomy provider 2", {
        "protocol": protocol_map(protocol),
        "rows_hash": rows_hash(log, version),
        "scan": scan,
        "schema": schema,
        "table_id": metadata["id"],
        "version": version,
    })


# Plans


def provider_identity_hash(identities):
    return digest("codeanatomy providers 1", identities)


def planning_surface_hash(surface):
    return digest("codeanatomy surface 2", surface)


def rulepack_fingerprint(surface):
    return digest("codeanatomy rules 1", {
        "analyzer": surface["analyzer_rules"],
        "optimizer": surface["optimizer_rules"],
        "physical_optimizer": surface["physical_optimizer_rules"],
    })


def envelope_hash(envelope):
    return digest("codeanatomy envelope 1", envelope)


def profile_fingerprint(profile):
    return digest("codeanatomy profile 1", profile)


def content_hash(inputs, only, operation, schema):
    return digest("codeanatomy content 1", {"inputs": inputs, "only": only, "operation": operation, "schema": schema})


# The digest of rows


class RowsDigest:
    """A sum of hashes of rows, and their number."""

    def __init__(self, total=0, rows=0):
        self.total, self.rows = total % 2**128, rows

    def __add__(self, other):
        return RowsDigest(self.total + other.total, self.rows + other.rows)

    @classmethod
    def read(cls, text):
        definition, total, rows = text.split(":")
        if definition != "2":
            raise ValueError(f"{text} is by another definition")
        return cls(int(total, 16), int(rows))

    def __str__(self):
        return f"2:{self.total:032x}:{self.rows}"


def type_name(kind):
    if isinstance(kind, str):
        return kind
    if kind["type"] == "array":
        return f"array<{type_name(kind['elementType'])}>"
    if kind["type"] == "map":
        return f"map<{type_name(kind['keyType'])},{type_name(kind['valueType'])}>"
    fields = (f"{len(field['name'].encode())}:{field['name']}:{type_name(field['type'])}" for field in kind["fields"])
    return f"struct<{','.join(fields)}>"


def by_name(fields):
    return sorted(fields, key=lambda field: field["name"].encode())


def extended_output(fields, size):
    columns = [[field["name"], type_name(field["type"])] for field in by_name(fields)]
    return blake3.blake3(encoded("codeanatomy rows 2") + encoded(columns)).digest(length=size)


def seed(fields):
    return int.from_bytes(extended_output(fields, 8), "little")


def schema_tag(metadata):
    return f"{seed(columns_of(metadata)):016x}"


def inside(kind):
    """The types that lie inside a type."""
    if isinstance(kind, str):
        return []
    if kind["type"] == "array":
        return [kind["elementType"]]
    return [kind["keyType"], kind["valueType"]] if kind["type"] == "map" else [field["type"] for field in kind["fields"]]


def size_of(kind):
    return 1 + sum(map(size_of, inside(kind)))


class Keys:
    """The keys of a column, and of what lies inside it."""

    def __init__(self, kind, data):
        numbers = [int.from_bytes(data[at:at + 8], "little") for at in range(64, 128, 8)]
        self.null, self.number, self.wide = (int.from_bytes(data[at:at + 16], "little") for at in (0, 16, 32))
        self.number, self.wide, self.pairs, self.inside = self.number | 1, self.wide | 1, numbers, []
        at = 128
        for inner in inside(kind):
            self.inside.append(Keys(inner, data[at:]))
            at += 128 * size_of(inner)

    def pair(self, place, words):
        first, second = words
        first, second = ((word + key) % 2**64 for word, key in zip((first, second), self.pairs[2 * place:]))
        return (2**64 + first) * (2**64 + second)


def keys_of(fields):
    """What rows begin with, and the keys of the columns, in the order of their names."""
    kinds = [field["type"] for field in by_name(fields)]
    data = extended_output(fields, 128 * (1 + sum(map(size_of, kinds))))
    start, at, found = int.from_bytes(data[16:32], "little"), 128, []
    for kind in kinds:
        found.append(Keys(kind, data[at:]))
        at += 128 * size_of(kind)
    return start, found


PI = bytes.fromhex("243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89"
                   "452821e638d01377be5466cf34e90c6cc0ac29b7c97c50dd3f84d5b5b5470917")


def permuted(state):
    """The hash of a state."""
    digits = [int.from_bytes(PI[at:at + 8], "big") for at in range(0, 64, 8)]
    low, high = state % 2**64, state // 2**64 % 2**64
    low ^= folded(high ^ digits[0], digits[1] | 1)
    high ^= folded(low ^ digits[2], digits[3] | 1)
    low ^= folded(high ^ digits[4], digits[5] | 1)
    high ^= folded(low ^ digits[6], digits[7] | 1)
    return high << 64 | low


def folded(word, factor):
    product = word * factor
    return product >> 64 ^ product % 2**64


INTEGERS = {"byte": 1, "short": 2, "integer": 4, "long": 8}
FLOATS = ("float", "double")


def cell(scalar, kind, keys):
    """What a value adds that is an Arrow scalar, of a type as the `schemaString` has it."""
    if not scalar.is_valid:
        return keys.null
    if isinstance(kind, dict):
        return nested(scalar, kind, keys)
    if kind in ("string", "binary"):
        data = scalar.as_py()
        return text(data.encode() if kind == "string" else data, keys)
    if kind.startswith("decimal"):
        value = unscaled(scalar.as_py(), kind)
        first = (value + 2**63) % 2**64 - 2**63
        return keys.number * (first % 2**64) + keys.wide * ((value - first) // 2**64 % 2**64)
    return keys.number * (word(scalar, kind) % 2**64)


def word(scalar, kind):
    if kind in INTEGERS or kind == "boolean":
        return int(scalar.as_py())
    if kind == "date":
        return scalar.value
    if kind in ("timestamp", "timestamp_ntz"):
        return scalar.cast(pyarrow.timestamp("us", scalar.type.tz)).value
    value = scalar.as_py()
    if kind == "float":
        return 0x7fc00000 if math.isnan(value) else struct.unpack("<I", struct.pack("<f", value))[0]
    bits = 0x7ff8000000000000 if math.isnan(value) else struct.unpack("<Q", struct.pack("<d", value))[0]
    return bits % 2**32 << 32 | bits >> 32


def text(data, keys):
    if len(data) > 44:
        hashed = xxhash.xxh3_128_intdigest(data)
        return keys.pair(3, (hashed % 2**64, hashed >> 64))
    head = len(data).to_bytes(4, "little") + data
    if len(data) <= 12:
        return keys.pair(0, struct.unpack("<QQ", head.ljust(16, b"\0")))
    words = [struct.unpack_from("<Q", data, min(place, len(data) - 8))[0] for place in (12, 20, 28, 36)]
    return keys.pair(0, struct.unpack_from("<QQ", head)) + keys.pair(1, words[:2]) + keys.pair(2, words[2:])


def unscaled(value, kind):
    scale = int(re.fullmatch(r"decimal\(\d+, ?(\d+)\)", kind).group(1))
    return int(value.scaleb(scale, decimal.Context(prec=80)))


def nested(scalar, kind, keys):
    if kind["type"] == "struct":
        fields = zip(kind["fields"], keys.inside)
        return sum(cell(scalar[field["name"]], field["type"], inner) for field, inner in fields)
    items = [(item,) for item in scalar.values] if kind["type"] == "array" else [(item[0], item[1]) for item in scalar.values]
    kinds = inside(kind)
    states = (sum(map(cell, item, kinds, keys.inside)) for item in items)
    return sum(permuted((keys.number * place + state) % 2**128) for place, state in enumerate(states, 1))


def partition_scalar(text, kind):
    """A partition value of an add action; an empty text stands for NULL."""
    if text is None or text == "":
        return pyarrow.scalar(None)
    if kind in INTEGERS:
        return pyarrow.scalar(int(text))
    if kind in FLOATS:
        return pyarrow.scalar(float(text))
    if kind == "boolean":
        return pyarrow.scalar(text == "true")
    if kind == "date":
        return pyarrow.scalar(datetime.date.fromisoformat(text))
    if kind in ("timestamp", "timestamp_ntz"):
        return pyarrow.scalar(datetime.datetime.fromisoformat(text).replace(tzinfo=None), pyarrow.timestamp("us"))
    if kind == "binary":
        return pyarrow.scalar(text.encode())
    return pyarrow.scalar(text if kind == "string" else decimal.Decimal(text))


def data_file(table, add):
    return pathlib.Path(table) / urllib.parse.unquote(add["path"])


def digest_of_file(file, add, metadata):
    """The digest of a data file's rows, with the columns and partition columns of the metadata."""
    fields = columns_of(metadata)
    data = pyarrow.parquet.ParquetFile(file).read()
    columns = []
    for field in by_name(fields):
        if field["name"] in metadata["partitionColumns"]:
            value = partition_scalar(add["partitionValues"].get(field["name"]), field["type"])
            columns.append([value] * data.num_rows)
        elif field["name"] in data.column_names:
            columns.append(data.column(field["name"]))
        else:
            columns.append([pyarrow.scalar(None)] * data.num_rows)
    return digest_of_columns(fields, columns, data.num_rows)


def digest_of_columns(fields, columns, rows):
    """The digest of columns of Arrow scalars, in the order of their names."""
    start, keys = keys_of(fields)
    states = [start] * rows
    for field, own, column in zip(by_name(fields), keys, columns):
        for row, scalar in enumerate(column):
            states[row] += cell(scalar, field["type"], own)
    return RowsDigest(sum(permuted(state % 2**128) for state in states), rows)
