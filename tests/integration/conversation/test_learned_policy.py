"""A dialogue policy from an artifact decides how the assistant goes on."""

from pathlib import Path

import numpy as np
import pytest

from kept_policy import kept
from talking_shop import talking_shop
from zhanggui.errors import ArtifactError


@pytest.mark.parametrize(
    ("logits", "act"), [((50, 0, 0, 0, 0, 0), "recommend"), ((0, 50, 0, 0, 0, 0), "offer_choices")]
)
def test_the_version_that_the_settings_name_decides(tmp_path: Path, logits: tuple[float, ...], act: str) -> None:
    kept(tmp_path / "shop", "v1", *logits)
    with talking_shop(tmp_path / "shop", settings='[conversation]\npolicy_version = "v1"\n') as shop:
        talk = shop.conversations.start(visitor_token="", seed="s").conversation_id
        shop.conversations.turn(talk, "I am looking for clothes", key="1")
        (turn,) = shop.conversations.turns(talk)
    assert act in [said["name"] for said in turn.acts]


def test_what_was_shown_is_logged_with_the_propensity_of_the_draw(tmp_path: Path) -> None:
    kept(tmp_path / "shop", "v1", np.log(9), 0, -99, -99, -99, -99)
    with talking_shop(tmp_path / "shop", settings='[conversation]\npolicy_version = "latest"\n') as shop:
        propensities = set()
        for number in range(12):
            talk = shop.conversations.start(visitor_token="", seed="s").conversation_id
            shop.conversations.turn(talk, "I am looking for clothes", key=str(number))
            (turn,) = shop.conversations.turns(talk)
            propensities |= {round(propensity, 6) for _, propensity in turn.impressions}
    assert propensities == {0.9}


def test_a_version_that_is_not_there_is_an_error_at_the_start(tmp_path: Path) -> None:
    with (
        pytest.raises(ArtifactError, match="there is no dialogue v2"),
        talking_shop(tmp_path / "shop", settings='[conversation]\npolicy_version = "v2"\n'),
    ):
        pass
