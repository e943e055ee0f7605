import math

import numpy as np
import pytest

from zhanggui.errors import PolicyError
from zhanggui.evaluation import ips, snips

ONE, NONE = np.array([1.0]), np.zeros(0)


def test_one_decision_has_a_value_and_no_bounds() -> None:
    for estimate in (ips(ONE, ONE, ONE), snips(ONE, ONE, ONE)):
        assert (estimate.value, estimate.low, estimate.high) == (1.0, -math.inf, math.inf)


def test_no_decision_and_a_propensity_that_is_no_number_are_refused() -> None:
    for estimator in (ips, snips):
        with pytest.raises(PolicyError, match="no decision was logged"):
            estimator(NONE, NONE, NONE)
        with pytest.raises(PolicyError, match="propensity is not between"):
            estimator(ONE, np.array([np.nan]), ONE)
