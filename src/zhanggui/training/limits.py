"""What a tuned model may have lost, and what it has. Compares figures; knows no model."""

from zhanggui.training.measure import Measured
from zhanggui.training.settings import LimitSettings


def lost(before: Measured, after: Measured, limits: LimitSettings) -> list[str]:
    """What the model lost past the limits, in words; empty when it may be used."""
    found = []
    # "not at most": a model that came apart has no perplexity at all (NaN), and must not pass.
    ratio = after.general_perplexity / before.general_perplexity
    if not ratio <= limits.general_perplexity:
        found.append(
            f"the model has forgotten: perplexity of general texts rose {ratio:.2f}-fold, "
            f"{limits.general_perplexity:g} is allowed (train less, or with a lower learning rate)"
        )
    if after.repetition_4 > limits.repetition_4:
        found.append(
            f"the model repeats itself: {after.repetition_4:.1%} of 4-grams, {limits.repetition_4:.1%} is allowed"
        )
    return found
