from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhanggui.catalog import Product
from zhanggui.catalog.clean import clean
from zhanggui.catalog.ontology import (
    Aspect,
    Category,
    Ontology,
    Value,
    build_ontology,
    read_ontology,
    write_ontology,
)
from zhanggui.catalog.ontology.file import from_toml, to_toml
from zhanggui.errors import OntologyError
from zhanggui.money import Money

WHOLE = Ontology(
    categories=(Category(path="Tea > Green", labels={"en": ("Green tea",), "zh": ("绿茶", "龙井")}),),
    aspects=(
        Aspect(
            name="colour",
            labels={"en": ("colour", "color")},
            values=(Value(value="blue", labels={"zh": ("蓝",)}), Value(value='15" \x7f\\', within="blue")),
        ),
        Aspect(name="weight", unit="g", kind="number", values=(Value(value="100 g"),)),
    ),
    price_ranges={"CNY": (1_900, 39_950), "JPY": (100, 9_000)},
    ignored=("origin",),
)


def test_an_ontology_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_ontology(tmp_path / "a.toml", WHOLE)
    assert read_ontology(tmp_path / "a.toml") == WHOLE


NASTY = st.text(st.sampled_from("aA1 -_,、和/%克g蓝棉x*\"\\\\\n\t\x7f\u0085'[]{}#="), max_size=8).map(clean)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            NASTY,
            st.dictionaries(
                st.sampled_from(["color", "frame color", "面料", "size", "weight", "品类", "nib", "Nib "]) | NASTY,
                NASTY,
            ),
        )
    )
)
def test_what_is_learned_from_any_feed_can_be_written_and_read(rows: list[tuple[str, dict[str, str]]]) -> None:
    products = [
        Product(
            product_id="p",
            titles={"en": "p"},
            price=Money(currency="CNY", minor=100),
            category=category,
            attributes={name: text for name, text in attributes.items() if name and text},
        )
        for category, attributes in rows
    ]
    learned = build_ontology(products)
    assert from_toml(to_toml(learned)) == learned
    assert build_ontology(products, edited=learned) == learned, "there is nothing more to learn"


BAD = [
    ("aspects = 1", "aspects", "not a list"),
    ("[[aspects]]\nvalues = []", "aspects[1].name", "missing"),
    ('[[aspects]]\nname = "a"\ncolour = 1', "aspects[1].colour", "no such name"),
    ('[[aspects]]\nname = "a"\nkind = "date"', "aspects[1].kind", "no kind"),
    ('[[aspects]]\nname = "a"\nunit = 1', "aspects[1].unit", "not a text"),
    ('[[aspects]]\nname = "a"\nen = "b"', "aspects[1].en", "no list of texts"),
    ('[[aspects]]\nname = "a"\nvalues = ["red"]', "aspects[1].values[1]", "not a table"),
    ('[[aspects]]\nname = "a"\nvalues = [{value = "r"}, {value = "R"}]', "aspects[1].values[2]", "twice"),
    (
        '[[aspects]]\nname = "a"\nvalues = [{value = "r", within = "q"}]',
        "aspects[1].values[1].within",
        "no other value",
    ),
    (
        '[[aspects]]\nname = "a"\nvalues = [{value = "r", en = ["x"]}, {value = "q", zh = ["X"]}]',
        "aspects[1].values[2]",
        "'r'",
    ),
    ('[[aspects]]\nname = "a"\n[[aspects]]\nname = "b"\n[[aspects]]\nname = "A"', "aspects[3]", "twice"),
    ('[[categories]]\npath = "  "', "categories[1].path", "empty"),
    ("[price_ranges]\nCNY = 3", "price_ranges.CNY", "two amounts"),
    ('[price_ranges]\nCNY = ["9", "3"]', "price_ranges.CNY", "more than"),
    ('price_ranges = "x"', "price_ranges", "not a table"),
    ("ignored = [1]", "ignored", "no list of texts"),
    ("aspect = []", "aspect", "no such name"),
    ("[[aspects\n", "", "line 1"),
]


@pytest.mark.parametrize(("text", "field", "problem"), BAD)
def test_a_wrong_file_is_refused_with_the_place_and_the_reason(
    text: str, field: str, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "edited.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(OntologyError, match=problem) as refused:
        read_ontology(path)
    assert (refused.value.source, refused.value.field) == (str(path), field)
    assert refused.value.hint


def test_a_file_that_is_not_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gbk.toml").write_bytes("ignored = ['颜色']".encode("gbk"))
    with pytest.raises(OntologyError, match="byte 13 is not UTF-8"):
        read_ontology(tmp_path / "gbk.toml")
    with pytest.raises(OntologyError, match="cannot be opened"):
        read_ontology(tmp_path / "none.toml")
