"""Segments as small declarative predicates over profile columns: checked, explained in words, run in Arrow.

    orders >= 2 and lifecycle_stage in ("active", "loyal") and category_affinity("Tea") > 0.3

Parsed with Python's own grammar and a white list; nothing is ever evaluated. Comparisons with null are false.
"""

import ast
import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zhanggui.catalog.product import LANGUAGES
from zhanggui.errors import PredicateError
from zhanggui.profiles.profile import SNAPSHOT_SCHEMA
from zhanggui.profiles.words import COLUMNS, STAGES

_COMPARE: Mapping[type, tuple[Callable[..., Any], str, str]] = {
    ast.Lt: (pc.less, "below", "小于"),
    ast.LtE: (pc.less_equal, "at most", "不超过"),
    ast.Gt: (pc.greater, "above", "大于"),
    ast.GtE: (pc.greater_equal, "at least", "不少于"),
    ast.Eq: (pc.equal, "is", "是"),
    ast.NotEq: (pc.not_equal, "is not", "不是"),
    ast.In: (pc.is_in, "is one of", "属于"),
    ast.NotIn: (pc.is_in, "is none of", "不属于"),
}
_WEIGHTS = {"category_affinity": "categories", "brand_affinity": "brands"}
_WORDS = {
    **COLUMNS,
    "category_affinity": ("affinity to category", "品类偏好"),
    "brand_affinity": ("affinity to brand", "品牌偏好"),
}
_PLAIN = {
    field.name: "text" if pa.types.is_string(field.type) else "number"
    for field in SNAPSHOT_SCHEMA
    if field.name not in ("traits", "as_of")
    and (pa.types.is_string(field.type) or pa.types.is_integer(field.type) or pa.types.is_floating(field.type))
}
# Of these columns every value is known: another one is a slip that would silently hold for nobody.
_VALUES = {"lifecycle_stage": tuple(STAGES), "language": LANGUAGES}
_USES = {
    "number": "numbers are compared with <, <=, >, >=, ==, != and in, such as orders >= 2 or orders in (1, 2)",
    "text": 'texts are compared with ==, != and in, such as city == "上海" or city in ("上海", "北京")',
}
_DEEPEST = 50


@dataclass(frozen=True)
class Predicate:
    """A checked predicate. Make one with `Predicate.parse`."""

    text: str
    tree: ast.expr

    @classmethod
    def parse(cls, text: str) -> "Predicate":
        """Check the text. Raises PredicateError saying which part is wrong, and the nearest known name."""
        if len(text) > 4_000:
            raise PredicateError("the predicate is longer than 4,000 characters")
        try:
            tree = ast.parse(text.strip(), mode="eval").body
            _check(tree)
        except (RecursionError, MemoryError):
            raise _too_deep() from None
        except (SyntaxError, ValueError) as error:
            raise PredicateError(
                f"{text[:80]!r} is no predicate: {getattr(error, 'msg', error)}",
                hint='such as: orders >= 2 and lifecycle_stage in ("active", "loyal")',
            ) from error
        return cls(text.strip(), tree)

    def columns(self) -> set[str]:
        """The snapshot's columns that it reads."""
        return {_WEIGHTS.get(node.id, node.id) for node in ast.walk(self.tree) if isinstance(node, ast.Name)}

    def mask(self, table: pa.Table) -> NDArray[np.bool_]:
        """(n,) true for the rows of a snapshot that it holds for."""
        found = _mask(self.tree, table)
        return np.asarray(found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found).astype(np.bool_)

    def explain(self, language: str) -> str:
        """In words, in "en" or "zh"."""
        return _explain(self.tree, zh=language == "zh")


def _check(node: ast.expr, depth: int = 0) -> None:
    if depth > _DEEPEST:
        raise _too_deep()
    if isinstance(node, ast.BoolOp):
        for part in node.values:
            _check(part, depth + 1)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _check(node.operand, depth + 1)
    elif isinstance(node, ast.Compare):
        if len(node.ops) > 1:
            raise _wrong(node, "these are two comparisons in one", "join them with and: orders > 1 and orders < 5")
        _check_comparison(node, node.ops[0], _value(node.comparators[0]), _kind(node.left))
    else:
        problem = "a predicate compares profile columns with values, joined by and, or, not"
        raise _wrong(node, problem, _USES["number"])


def _check_comparison(node: ast.Compare, op: ast.cmpop, given: Any, kind: str) -> None:
    many = isinstance(op, ast.In | ast.NotIn)
    if many and isinstance(given, str):  # `in ("x")` is no tuple to Python, but it is meant as one
        given = (given,)
    if many != isinstance(given, tuple):
        raise _wrong(node, "`in` needs a list of values in parentheses, and only `in` takes one", _USES[kind])
    if type(op) not in _COMPARE or (kind == "text" and not isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn)):
        raise _wrong(node, f"{ast.unparse(node.left)} is a {kind} and is not compared like this", _USES[kind])
    known = _VALUES.get(node.left.id) if isinstance(node.left, ast.Name) else None
    for one in given if many else (given,):
        if (kind == "text") != isinstance(one, str):
            raise _wrong(node, f"{ast.unparse(node.left)} is a {kind}, {one!r} is not", _USES[kind])
        if known and one not in known:
            raise _wrong(node, f"{one!r} is no {ast.unparse(node.left)}", f"there are {', '.join(known)}")


def _kind(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        if node.id in _WEIGHTS:
            raise _wrong(node, "it needs a name", f'write {node.id}("name") > 0.3')
        if node.id not in _PLAIN:
            raise PredicateError(f"there is no profile column {node.id!r}", field=node.id, hint=_nearest(node.id))
        return _PLAIN[node.id]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id not in _WEIGHTS:
            raise PredicateError(
                f"there is no function {node.func.id!r}", field=node.func.id, hint=_nearest(node.func.id)
            )
        if len(node.args) != 1 or node.keywords or not isinstance(_value(node.args[0]), str):
            raise _wrong(node, f'write {node.func.id}("name")')
        return "number"
    raise _wrong(node, "the left side of a comparison is a profile column", _allowed())


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name, [*_PLAIN, *_WEIGHTS], n=1, cutoff=0.6)
    return f"did you mean {close[0]}? {_allowed()}" if close else _allowed()


def _allowed() -> str:
    return "there are " + ", ".join([*sorted(_PLAIN), *(f'{one}("name")' for one in _WEIGHTS)])


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Tuple | ast.List) and node.elts:
        return tuple(_plain(one) for one in node.elts)
    return _plain(node)


def _plain(node: ast.expr) -> int | float | str:
    minus = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    constant = node.operand if isinstance(node, ast.UnaryOp) and minus else node
    value = constant.value if isinstance(constant, ast.Constant) else None
    if isinstance(value, str) and not minus:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value) or abs(value) >= 2**63:
            raise _wrong(node, "this number is too large", "up to 9223372036854775807")
        return -value if minus else value
    raise _wrong(node, "the right side of a comparison is a number, a text, or a list of them", _USES["number"])


def _too_deep() -> PredicateError:
    return PredicateError(f"it is nested more than {_DEEPEST} deep", hint="write it flat")


def _wrong(node: ast.expr, problem: str, hint: str = "") -> PredicateError:
    return PredicateError(problem, field=ast.unparse(node)[:80], hint=hint)


def _mask(node: ast.expr, table: pa.Table) -> Any:
    if isinstance(node, ast.BoolOp):
        join = pc.and_ if isinstance(node.op, ast.And) else pc.or_
        found = _mask(node.values[0], table)
        for value in node.values[1:]:
            found = join(found, _mask(value, table))
        return found
    if isinstance(node, ast.UnaryOp):
        return pc.invert(_mask(node.operand, table))
    assert isinstance(node, ast.Compare)
    left: Any = _column(node.left, table)
    op, value = node.ops[0], _value(node.comparators[0])
    if not isinstance(op, ast.In | ast.NotIn):
        return pc.fill_null(_COMPARE[type(op)][0](left, value), False)
    found = pc.is_in(left, value_set=pa.array([value] if isinstance(value, str) else value))
    return pc.and_(pc.invert(found), pc.is_valid(left)) if isinstance(op, ast.NotIn) else found


def _column(node: ast.expr, table: pa.Table) -> Any:
    if isinstance(node, ast.Name):
        return table[node.id]
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    lists = table[_WEIGHTS[node.func.id]].combine_chunks()
    flat, rows = pc.list_flatten(lists), pc.list_parent_indices(lists)
    hits = pc.equal(pc.struct_field(flat, "name"), _value(node.args[0]))
    weights = np.zeros(len(lists))
    chosen = pc.filter(rows, hits).to_numpy(zero_copy_only=False).astype(np.int64)
    weights[chosen] = pc.filter(pc.struct_field(flat, "weight"), hits).to_numpy(zero_copy_only=False)
    return pa.array(weights)


def _explain(node: ast.expr, *, zh: bool) -> str:
    if isinstance(node, ast.BoolOp):
        glue = ("，并且" if zh else ", and ") if isinstance(node.op, ast.And) else ("，或者" if zh else ", or ")
        parts = [_explain(value, zh=zh) for value in node.values]
        return glue.join(
            f"（{part}）"
            if zh and isinstance(value, ast.BoolOp)
            else f"({part})"
            if isinstance(value, ast.BoolOp)
            else part
            for part, value in zip(parts, node.values, strict=True)
        )
    if isinstance(node, ast.UnaryOp):
        return f"{'不满足' if zh else 'not'} ({_explain(node.operand, zh=zh)})"
    assert isinstance(node, ast.Compare)
    name = node.left.id if isinstance(node.left, ast.Name) else ""
    if isinstance(node.left, ast.Call):
        assert isinstance(node.left.func, ast.Name)
        name = node.left.func.id
    words = _WORDS[name][zh]
    if isinstance(node.left, ast.Call):
        words += f" “{_value(node.left.args[0])}”"
    value = _value(node.comparators[0])
    said = [_said(name, one, zh=zh) for one in (value if isinstance(value, tuple) else (value,))]
    shown = ("、" if zh else ", ").join(said)
    return f"{words} {_COMPARE[type(node.ops[0])][2 if zh else 1]} {shown}"


def _said(name: str, value: Any, *, zh: bool) -> str:
    return STAGES[value][zh] if name == "lifecycle_stage" else str(value)
