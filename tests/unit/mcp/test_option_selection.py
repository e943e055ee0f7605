"""Shirts: blue in S and M (M sold out), red in S; no red M."""

from zhanggui.catalog.product import Variant
from zhanggui.mcp.option_selection import availability_of, effective_selection, matching
from zhanggui.money import Money


def shirt(colour: str, size: str, stock: int = 3) -> Variant:
    return Variant(
        variant_id=f"{colour}-{size}",
        options={"Color": colour, "Size": size},
        price=Money(currency="USD", minor=1900),
        stock=stock,
    )


SHIRTS = [shirt("Blue", "S"), shirt("Blue", "M", stock=0), shirt("Red", "S")]


def test_a_partial_choice_leaves_all_that_have_it() -> None:
    assert [one.variant_id for one in matching(SHIRTS, {"Color": "blue"})] == ["Blue-S", "Blue-M"]


def test_what_no_variant_has_is_given_up_from_the_end_of_the_preferences() -> None:
    chosen = [("Size", "M"), ("Color", "Red")]
    assert effective_selection(SHIRTS, chosen, ["Color", "Size"]) == {"Color": "Red"}
    assert effective_selection(SHIRTS, chosen, ["Size", "Color"]) == {"Size": "M"}


def test_an_option_without_a_preference_goes_first_and_what_is_unknown_goes_too() -> None:
    assert effective_selection(SHIRTS, [("Size", "M"), ("Color", "Red")], ["size"]) == {"Size": "M"}
    assert effective_selection(SHIRTS, [("Color", "blue"), ("Fit", "slim")], []) == {"Color": "Blue"}
    assert effective_selection(SHIRTS, [("Fit", "slim")], ["Fit"]) == {}


def test_values_say_whether_they_exist_and_can_be_bought_beside_the_choice() -> None:
    states = availability_of(SHIRTS, {"Color": "Blue"})
    assert states["Size"] == {
        "S": {"available": True, "exists": True},
        "M": {"available": False, "exists": True},
    }
    assert states["Color"]["Red"] == {"available": True, "exists": True}
    assert availability_of(SHIRTS, {"Size": "M"})["Color"]["Red"] == {"available": False, "exists": False}
