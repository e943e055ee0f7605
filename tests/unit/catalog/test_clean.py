import pytest

from zhanggui.catalog.clean import clean as of_a_feed
from zhanggui.corpus.clean import clean as of_a_corpus

MANY = 200_000  # of each beginning: looking for its end anew from every one of them would take hours


@pytest.mark.parametrize("clean", [of_a_feed, of_a_corpus])
@pytest.mark.parametrize("beginning", ["<!--", "<style>", "<script>", "<style ", "<script ", "<a ", " \n", "## ", "&#"])
def test_what_nobody_closes_is_read_once(clean, beginning: str) -> None:  # type: ignore[no-untyped-def]
    assert clean("wool" + beginning * MANY).startswith("wool")


@pytest.mark.parametrize("clean", [of_a_feed, of_a_corpus])
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("wool <!-- not for you --> scarf", "wool scarf"),
        ("wool scarf <!-- cut off", "wool scarf"),
        ("wool <style>b {color: red}</style> scarf", "wool scarf"),
        ("wool scarf <script>steal(", "wool scarf"),
        ("<script src='a'>steal()</script>wool scarf", "wool scarf"),
        ("a style <3 and 2 < 3", "a style <3 and 2 < 3"),
    ],
)
def test_markup_goes_and_words_stay(clean, text: str, left: str) -> None:  # type: ignore[no-untyped-def]
    assert clean(text) == left
