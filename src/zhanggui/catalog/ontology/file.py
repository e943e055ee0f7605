"""The ontology as a TOML file that people edit: one line a value. Says of a wrong file which entry and why."""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from zhanggui.catalog.ontology.ontology import Aspect, Category, Labels, Ontology, Value, fold, texts_of
from zhanggui.catalog.product import LANGUAGES
from zhanggui.errors import OntologyError
from zhanggui.money import Money, to_minor

_HEAD = """\
# What shoppers may ask for. A list "en" or "zh" holds texts in that language: the first is shown, the others mean the same.
# A value or an aspect may be renamed (keep its old name among its texts), joined with another (move its texts there) or added;
# the path of a category is the feed's and stays. `within` names the wider value that a value is a kind of; aspects under
# `ignored` are left out. What stands here wins over what is learned from products later.
#
# 顾客可以按什么来问。“en”“zh”后面是该语言的说法：第一个用来显示，其余都是同义词。取值和属性可以改名（旧名留在说法里）、合并（把说法移过去）、新增；
# 分类的路径以商品源为准，不要改。within 写它所属的大类；写进 ignored 的属性不给顾客看。这里写的，优先于以后从商品里学来的。
"""


def write_ontology(path: Path, ontology: Ontology) -> None:
    """Write it as TOML that `read_ontology` reads. Raises OSError."""
    path.write_text(to_toml(ontology), encoding="utf-8")


def read_ontology(path: Path) -> Ontology:
    """Read an edited file. Raises OntologyError: which file, where in it, what is wrong, what to do."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise OntologyError(f"it cannot be opened: {error.strerror}", source=str(path)) from error
    except UnicodeDecodeError as error:
        problem = f"byte {error.start + 1} is not UTF-8"
        raise OntologyError(problem, source=str(path), hint="save the file as UTF-8") from error
    try:
        return from_toml(text)
    except OntologyError as error:
        raise error.at(str(path), None) from error


def to_toml(ontology: Ontology) -> str:
    """The text of the file."""
    return _HEAD + "\n".join(_lines(ontology)) + "\n"


def _lines(ontology: Ontology) -> Iterator[str]:
    yield f"ignored = {_texts(ontology.ignored)}"
    yield from ("", "# The lowest and the highest price, by currency.", "[price_ranges]")
    for currency, (lowest, highest) in ontology.price_ranges.items():
        amounts = (str(Money(currency=currency, minor=minor).major) for minor in (lowest, highest))
        yield f"{currency} = {_texts(amounts)}"
    for category in ontology.categories:
        yield from ("", "[[categories]]", f"path = {_text(category.path)}", *_labels(category.labels))
    for aspect in ontology.aspects:
        yield from ("", "[[aspects]]", f"name = {_text(aspect.name)}", *_labels(aspect.labels))
        if aspect.kind == "number":
            yield from ('kind = "number"', f"unit = {_text(aspect.unit)}")
        yield "values = ["
        for value in aspect.values:
            within = [f"within = {_text(value.within)}"] if value.within else []
            entry = ", ".join([f"value = {_text(value.value)}", *_labels(value.labels), *within])
            yield f"  {{ {entry} }},"
        yield "]"


def _labels(labels: Labels) -> list[str]:
    return [f"{language} = {_texts(labels[language])}" for language in LANGUAGES if labels.get(language)]


def _texts(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, texts))}]"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # a JSON text is a TOML text but for that


def from_toml(text: str) -> Ontology:
    """The ontology that the text of a file describes. Raises OntologyError with the field."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise OntologyError(f"it is not TOML: {error}", hint="mend that line, or write the file anew") from error
    _known(data, "", {"ignored", "price_ranges", "categories", "aspects"})
    categories = tuple(_category(entry, f"categories[{n}]") for n, entry in _entries(data, "categories", ""))
    aspects = tuple(_aspect(entry, f"aspects[{n}]") for n, entry in _entries(data, "aspects", ""))
    _distinct([category.path for category in categories], "categories")
    _distinct([fold(aspect.name) for aspect in aspects], "aspects")
    return Ontology(
        categories=categories,
        aspects=aspects,
        price_ranges=_price_ranges(data.get("price_ranges", {})),
        ignored=_list_of_texts(data.get("ignored", []), "ignored"),
    )


def _category(entry: Mapping[str, Any], field: str) -> Category:
    _known(entry, field, {"path", *LANGUAGES})
    return Category(path=_name(entry, "path", field), labels=_read_labels(entry, field))


def _aspect(entry: Mapping[str, Any], field: str) -> Aspect:
    _known(entry, field, {"name", "kind", "unit", "values", *LANGUAGES})
    kind = entry.get("kind", "choice")
    if kind not in ("choice", "number"):
        raise OntologyError(f"{kind!r} is no kind", field=f"{field}.kind", hint="choice or number")
    unit = entry.get("unit", "")
    if not isinstance(unit, str):
        raise OntologyError("it is not a text", field=f"{field}.unit", hint='such as "g"')
    name = _name(entry, "name", field)
    values = tuple(_value(value, f"{field}.values[{n}]") for n, value in _entries(entry, "values", field))
    _distinct([fold(value.value) for value in values], f"{field}.values")
    _unambiguous(values, f"{field}.values")
    names = {value.value for value in values}
    for number, value in enumerate(values, 1):
        if value.within and (value.within not in names or value.within == value.value):
            problem, hint = f"{value.within!r} is no other value of {name!r}", "name one, or leave `within` out"
            raise OntologyError(problem, field=f"{field}.values[{number}].within", hint=hint)
    return Aspect(name=name, labels=_read_labels(entry, field), values=values, unit=unit, kind=kind)


def _value(entry: Mapping[str, Any], field: str) -> Value:
    _known(entry, field, {"value", "within", *LANGUAGES})
    within = _name(entry, "within", field) if "within" in entry else ""
    return Value(value=_name(entry, "value", field), labels=_read_labels(entry, field), within=within)


def _unambiguous(values: Sequence[Value], field: str) -> None:
    """Raise OntologyError for a text that means two values."""
    meant: dict[str, str] = {}
    for number, value in enumerate(values, 1):
        for text in texts_of(value.value, value.labels):
            if meant.setdefault(fold(text), value.value) != value.value:
                problem = f"{text!r} means {meant[fold(text)]!r} as well"
                raise OntologyError(problem, field=f"{field}[{number}]", hint="leave it with one of the two")


def _distinct(names: Sequence[str], field: str) -> None:
    """Raise OntologyError for the second of two entries of one name: which of them holds, nobody would know."""
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if name in seen:
            raise OntologyError(f"{name!r} is there twice", field=f"{field}[{number}]", hint="join the two")
        seen.add(name)


def _price_ranges(data: Any) -> dict[str, tuple[int, int]]:
    if not isinstance(data, Mapping):
        raise OntologyError("it is not a table", field="price_ranges", hint='such as CNY = ["19.00", "399.00"]')
    ranges = {}
    for currency, amounts in data.items():
        try:
            lowest, highest = (to_minor(amount, currency) for amount in amounts)
        except (TypeError, ValueError) as error:
            hint = 'the lowest and the highest, such as ["19.00", "399.00"]'
            raise OntologyError("it is no two amounts", field=f"price_ranges.{currency}", hint=hint) from error
        if lowest > highest:
            problem = f"{amounts[0]} is more than {amounts[1]}"
            raise OntologyError(problem, field=f"price_ranges.{currency}", hint="the lowest comes first")
        ranges[currency] = (lowest, highest)
    return ranges


def _entries(data: Mapping[str, Any], name: str, field: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The tables of a list, counted from 1."""
    where = f"{field}.{name}".lstrip(".")
    entries = data.get(name, [])
    if not isinstance(entries, list):
        raise OntologyError("it is not a list", field=where, hint="write it as the others are")
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, Mapping):
            raise OntologyError("it is not a table", field=f"{where}[{number}]", hint="write it as the others are")
        yield number, entry


def _known(entry: Mapping[str, Any], field: str, names: set[str]) -> None:
    for unknown in sorted(set(entry) - names):
        hint = f"known are {', '.join(sorted(names))}"
        raise OntologyError("there is no such name", field=f"{field}.{unknown}".lstrip("."), hint=hint)


def _name(entry: Mapping[str, Any], name: str, field: str) -> str:
    text = entry.get(name)
    if not isinstance(text, str) or not text.strip():
        raise OntologyError("it is missing or empty", field=f"{field}.{name}", hint="give it a text")
    return text.strip()


def _read_labels(entry: Mapping[str, Any], field: str) -> Labels:
    texts = {language: _list_of_texts(entry.get(language, []), f"{field}.{language}") for language in LANGUAGES}
    return cast("Labels", {language: listed for language, listed in texts.items() if listed})


def _list_of_texts(texts: Any, field: str) -> tuple[str, ...]:
    if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
        raise OntologyError("it is no list of texts", field=field, hint='such as ["blue", "navy"]')
    return tuple(text.strip() for text in texts)
