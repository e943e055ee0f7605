"""Figures of classifiers, held to scikit-learn."""

import numpy as np
import pytest

from zhanggui.errors import EvaluationError
from zhanggui.evaluation.classification import classified

LABELS = ("fruit", "tablet", "hotel")


def guesses(rows: int = 400, seed: int = 1) -> tuple[np.ndarray, list[int]]:
    """Probabilities that are mostly right, and the truth."""
    draw = np.random.default_rng(seed)
    truth = draw.choice(3, rows, p=[0.6, 0.3, 0.1])
    logits = draw.normal(size=(rows, 3)) + 2 * np.eye(3)[truth]
    shares = np.exp(logits)
    return (shares / shares.sum(1, keepdims=True)).astype(np.float32), truth.tolist()


def test_figures_are_those_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="the extra `train` is not installed")
    probabilities, truth = guesses()
    found, said = classified(probabilities, truth, LABELS), probabilities.argmax(1)
    assert found.accuracy.value == pytest.approx(metrics.accuracy_score(truth, said), abs=1e-12)
    assert found.macro_f1.value == pytest.approx(metrics.f1_score(truth, said, average="macro"), abs=1e-12)
    assert found.confusion == tuple(map(tuple, metrics.confusion_matrix(truth, said).tolist()))
    report = metrics.classification_report(truth, said, target_names=LABELS, output_dict=True)
    for label, one in found.per_class().items():
        assert (one["precision"], one["recall"], one["f1"]) == pytest.approx(
            [report[label][name] for name in ("precision", "recall", "f1-score")], abs=1e-12
        )


def test_calibration_error_is_the_mean_gap_over_bins() -> None:
    # Ten rows at 0.9 of which six are right, ten at 0.6 of which six are right: gaps of 0.3 and 0.
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.6, 0.4]] * 10, dtype=np.float32)
    truth = ([0] * 6 + [1] * 4) * 2
    assert classified(probabilities, truth, ("a", "b")).ece.value == pytest.approx(0.15, abs=1e-6)


def test_intervals_hold_the_figure_and_narrow_with_rows() -> None:
    few, many = (classified(*guesses(rows), LABELS) for rows in (100, 1600))
    for one in (few.accuracy, few.macro_f1, many.accuracy, many.macro_f1):
        assert one.low < one.value < one.high
    assert many.accuracy.high - many.accuracy.low < 0.5 * (few.accuracy.high - few.accuracy.low)
    again = classified(*guesses(100), LABELS)
    assert again == few, "the seed fixes the intervals"


def test_a_class_that_nobody_has_or_is_given_does_not_count() -> None:
    probabilities, truth = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]]), [0, 1]
    found = classified(probabilities, truth, LABELS)
    assert found.macro_f1.value == 1.0
    assert found.per_class()["hotel"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "rows": 0}
    assert "| hotel | 0.000 | 0.000 | 0.000 | 0 |" in found.page("test")


def test_one_text_none_and_a_diverged_classifier_are_answered() -> None:
    found = classified(np.array([[0.8, 0.1, 0.1]]), [0], LABELS)
    assert found.figures()["intervals"]["accuracy"] == [None, None]
    assert "| accuracy | 1.0000 | not defined: one text |" in found.page("Test")
    with pytest.raises(EvaluationError, match="no text"):
        classified(np.zeros((0, 3)), [], LABELS)
    with pytest.raises(EvaluationError, match=r"not a number .*diverged"):
        classified(np.full((2, 3), np.nan), [0, 1], LABELS)
