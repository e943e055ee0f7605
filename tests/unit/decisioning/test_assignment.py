"""Who is held out: by hash of customer and salt alone."""

import numpy as np
import pytest

from zhanggui.decisioning.assignment import holdout, uniforms

FIXED = [0.865896442857207, 0.7634065148587607, 0.09957333907842636]
CUSTOMERS = [f"customer-{number}" for number in range(20_000)]


def test_numbers_are_those_that_earlier_versions_drew() -> None:
    # Whoever was held out stays held out: these numbers must never change.
    assert uniforms(["ann", "bob", "顾客"], "welcome-back").tolist() == FIXED
    assert holdout(["ann", "bob", "顾客"], share=0.5, salt="welcome-back").tolist() == [True, False, False]


def test_numbers_are_uniform_and_independent_between_salts() -> None:
    first, second = uniforms(CUSTOMERS, "a"), uniforms(CUSTOMERS, "b")
    assert first.min() >= 0
    assert first.max() < 1
    assert len(np.unique(first)) == len(CUSTOMERS)
    assert np.histogram(first, 10, (0, 1))[0] == pytest.approx(2_000, rel=0.1)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03


def test_a_customers_number_does_not_depend_on_her_batch() -> None:
    assert uniforms(CUSTOMERS[10:20], "a").tolist() == uniforms(CUSTOMERS, "a")[10:20].tolist()


def test_the_share_is_held_out_and_zero_is_nobody() -> None:
    assert holdout(CUSTOMERS, share=0.1, salt="s").mean() == pytest.approx(0.1, abs=0.01)
    assert not holdout(CUSTOMERS, share=0.0, salt="s").any()
    assert holdout(CUSTOMERS, share=1.0, salt="s").all()


def test_who_is_held_out_is_not_told_by_the_numbers_that_choices_are_drawn_with() -> None:
    held = holdout(CUSTOMERS, share=0.3, salt="s")
    assert uniforms(CUSTOMERS, "s")[held].mean() == pytest.approx(0.5, abs=0.03)
