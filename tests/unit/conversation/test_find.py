"""Products are found by other words for their kind before a wish is given up."""

from collections.abc import Mapping

from zhanggui.catalog.search import Query, Relaxation, Results
from zhanggui.conversation.find import find

WORDS = Relaxation(constraint="words", value="")


def results(*ids: str, scores: tuple[float, ...] = (), relaxed: tuple[Relaxation, ...] = ()) -> Results:
    return Results(
        product_ids=ids,
        scores=scores or (1.0,) * len(ids),
        total=len(ids),
        facets={},
        relaxed=relaxed,
        corrected="",
    )


def found(text: str, answers: Mapping[str, Results]) -> Results:
    return find(Query(text=text), lambda query: answers.get(query.text, results(relaxed=(WORDS,))))


def test_what_is_called_as_asked_is_enough() -> None:
    assert found("刀", {"刀": results("a"), "菜刀": results("b")}).product_ids == ("a",)


def test_other_words_are_tried_where_nothing_is_called_so() -> None:
    both = found("杯子", {"茶杯": results("a"), "咖啡杯": results("a", "b")})
    assert (both.product_ids, both.relaxed) == (("a", "b"), ())
    assert found("scarves please", {"scarf please": results("s")}).product_ids == ("s",)


def test_other_words_that_keep_every_wish_come_before_a_wish_that_is_given_up() -> None:
    silk = Relaxation(constraint="material", value="silk")
    assert found("丝巾", {"丝巾": results("wool", relaxed=(silk,)), "方巾": results("silk")}).product_ids == ("silk",)
    kept = found("杯子", {"杯子": results(relaxed=(WORDS,)), "茶杯": results("a", relaxed=(silk,))})
    assert (kept.product_ids, kept.relaxed) == (("a",), (silk,))


def test_what_fits_much_less_than_the_best_is_left_out() -> None:
    assert found("duvet cover", {"duvet cover": results("a", "b", scores=(23.0, 9.0))}).product_ids == ("a",)


def test_nothing_is_nothing() -> None:
    assert found("杯子", {}).product_ids == ()
    assert find(Query(), lambda _query: results("a", relaxed=(WORDS,))).product_ids == ("a",)
