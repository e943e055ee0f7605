"""Functions of DuckDB that Ibis has no name for. Imported only while features are being computed."""

from ibis import udf
from ibis.expr import datatypes as dt

_UTC = dt.Timestamp(timezone="UTC")


@udf.scalar.builtin(signature=((_UTC,), dt.int64))
def epoch_us(moment):  # type: ignore[no-untyped-def]
    """Microseconds since 1970 UTC."""


@udf.scalar.builtin(signature=((dt.string, dt.string), dt.Array(dt.string)))
def json_keys(document, path):  # type: ignore[no-untyped-def]
    """The keys of the object at a JSON path."""


@udf.scalar.builtin(name="json_extract", signature=((dt.string, dt.string), dt.Array(dt.json)))
def json_values(document, wildcard):  # type: ignore[no-untyped-def]
    """The values that a JSON path with a wildcard finds, in the order of the document."""


@udf.scalar.builtin(signature=((dt.json, dt.string), dt.string))
def json_extract_string(document, path):  # type: ignore[no-untyped-def]
    """The value at a JSON path, as text."""


@udf.scalar.builtin(name="to_json", signature=((dt.string,), dt.json))
def json_text(text):  # type: ignore[no-untyped-def]
    """A text as JSON, in quotes."""


_RANKED = dt.Struct({"negated": dt.float64, "code": dt.int32})


@udf.agg.builtin(name="min", signature=((_RANKED, dt.int64), dt.Array(_RANKED)))
def least(one, count):  # type: ignore[no-untyped-def]
    """The `count` smallest, ascending."""


@udf.scalar.builtin(signature=((dt.string,), dt.int32))
def getvariable(variable):  # type: ignore[no-untyped-def]
    """What `SET VARIABLE` last set."""


@udf.scalar.builtin(name="getvariable", signature=((dt.string,), _UTC))
def as_of_variable(variable):  # type: ignore[no-untyped-def]
    """The moment that `SET VARIABLE` last set."""
