"""What a table holds, in a form that does not depend on the order of its rows: for every column the number of NULLs,
the sum, the least and the greatest value. Two systems computed the same table when their digests agree.

    {"rows": n, "columns": {name: {"nulls": k, "sum": text, "min": text, "max": text}}}

Integers are written in full, other numbers with nine significant digits and never in the form of an integer, dates as
ISO 8601, truth values as `false` and `true`. Only numbers have a sum; what a column has none of is null.
"""

import math
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as types


def of_table(table):
    """The digest of a pyarrow table."""
    table = table.combine_chunks()
    return {
        "rows": table.num_rows,
        "columns": {name: _column(table.column(name)) for name in table.column_names},
    }


def of_delta(location):
    """The digest of the latest version of a Delta table."""
    from deltalake import DeltaTable

    return of_table(DeltaTable(str(location)).to_pyarrow_table())


def of_parquet(location):
    """The digest of a Parquet file."""
    import pyarrow.parquet as pq

    return of_table(pq.read_table(str(location)))


def differences(left, right, relative=1e-8):
    """What two digests disagree about, as text; empty when they agree.

    Integers must be equal. Other numbers may differ by `relative`: systems add floats in different orders, and give
    the average or quotient of decimals different scales.
    """
    if left["rows"] != right["rows"]:
        return [f"{left['rows']} rows, {right['rows']} rows"]
    if list(left["columns"]) != list(right["columns"]):
        return [f"columns {list(left['columns'])}, columns {list(right['columns'])}"]
    found = []
    for name, one in left["columns"].items():
        other = right["columns"][name]
        for fact in ("nulls", "sum", "min", "max"):
            if not _same(one[fact], other[fact], relative):
                found.append(f"{name}: {fact} {one[fact]}, {fact} {other[fact]}")
    return found


def _same(left, right, relative):
    if left == right:
        return True
    try:
        return not _whole(left, right) and math.isclose(float(left), float(right), rel_tol=relative)
    except (TypeError, ValueError):
        return False


def _whole(*texts):
    return all(text.lstrip("-").isdigit() for text in texts)


def _column(column):
    kind = column.type
    if types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if types.is_string_view(kind):
        column = column.cast(pa.string())
    extremes = pc.min_max(column).as_py()
    numeric = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    return {
        "nulls": column.null_count,
        "sum": _text(_sum(column)) if numeric else None,
        "min": _text(extremes["min"]),
        "max": _text(extremes["max"]),
    }


def _sum(column):
    """The sum as Python's own exact number: 64 bits can be too few, and the order of floats must not matter."""
    kind = column.type
    if column.null_count == len(column):
        return None
    if types.is_decimal(kind):
        return pc.sum(column.cast(pa.decimal256(76, kind.scale))).as_py()
    if types.is_integer(kind):
        return int(pc.sum(column.cast(pa.decimal256(76, 0))).as_py())
    return math.fsum(value for value in column.to_pylist() if value is not None)


def _text(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value() and value.as_tuple().exponent == 0
        return str(int(value)) if whole else _nine_digits(float(value))
    if isinstance(value, float):
        return _nine_digits(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _nine_digits(value):
    """Nine digits suffice to see a difference and too few to see the order of additions. No negative zero."""
    return repr(float(f"{value:.9g}") + 0.0)
