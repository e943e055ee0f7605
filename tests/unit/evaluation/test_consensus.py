from zhanggui.evaluation.consensus import consensus


def test_the_text_that_agrees_most_with_the_others_is_chosen() -> None:
    assert consensus(["宽松的裤型很显瘦", "宽松的版型很显瘦", "夜里有人唱歌"]) in (0, 1)
    assert consensus(["x y z", "a b c", "a b d", "a b c d"]) == 3


def test_of_equals_the_first() -> None:
    assert consensus(["one"]) == 0
    assert consensus(["a", "b"]) == 0
