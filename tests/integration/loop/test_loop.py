"""The whole line over the sample shop, with a fake model and a channel in memory."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zhanggui.engine import Engine
from zhanggui.shops.sample import SampleShop
from zhanggui.testing import FakeLLM, FixedClock, MemoryChannel

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)  # a Monday, ten o'clock in Shanghai


class Loop:
    """An opened sample shop with its fakes."""

    def __init__(self, folder: Path, sample: SampleShop) -> None:
        self.sample = sample
        self.clock, self.channel = FixedClock(NOW), MemoryChannel()
        self.model = FakeLLM(lambda request, _n: f"{request.messages[-1].content.splitlines()[0]}, for quiet evenings.")
        self.engine = Engine.open(folder, model=self.model, channels={"email": self.channel}, clock=self.clock)


@pytest.fixture
def loop(tmp_path: Path, sample_shop: Callable[..., SampleShop]):
    loop = Loop(tmp_path / "shop", sample_shop(tmp_path / "shop", NOW))
    yield loop
    loop.engine.close()


def test_the_sample_shop_is_what_it_says(loop: Loop) -> None:
    counts = loop.sample.counts
    assert (counts["products"], counts["customers"]) == (60, 500)
    assert loop.engine.segments.of("orders >= 0").customers == 500


def test_a_run_writes_to_nobody_without_consent_and_a_second_run_sends_nothing(loop: Loop) -> None:
    done = loop.engine.runs.run("welcome-back", moment=NOW)
    run_id, results = done.run_id, done.results
    assert results["deliver"]["sent"] == len(loop.channel.sent) > 100
    assert len({one.customer_id for one in loop.channel.sent}) == len(loop.channel.sent)
    for message in loop.channel.sent:
        consents = loop.engine.customers.get(message.customer_id).consents
        assert any(one.granted and one.channel == "email" for one in consents)
        assert message.proof["consent"]["text"]
        assert "{{" not in message.body
        assert "/unsubscribe/" in message.body
    sent = len(loop.channel.sent)
    assert loop.engine.runs.run("welcome-back", moment=NOW).run_id == run_id
    assert len(loop.channel.sent) == sent


def test_cost_grows_with_distinct_briefs_not_with_customers(loop: Loop) -> None:
    results = loop.engine.runs.run("welcome-back", moment=NOW).results
    assert len(loop.model.requests) <= results["write"]["briefs"] < len(loop.channel.sent) / 2


def test_who_refused_personalisation_gets_words_without_her_profile(loop: Loop) -> None:
    loop.engine.runs.run("welcome-back", moment=NOW)
    plain = [one for one in loop.channel.sent if not one.proof["personalised"]]
    assert plain
    for message in plain:
        assert message.proof["stage_used"] == ""
        assert not any(name in message.body.splitlines()[0] for name in ("Alex", "Grace", "思远", "雨桐"))


def test_consent_withdrawn_after_the_plan_stops_the_message(loop: Loop) -> None:
    engine = loop.engine
    customer = next(
        f"customer-{n:03d}"
        for n in range(1, 500)
        if engine.campaigns.preview("welcome-back", [f"customer-{n:03d}"], moment=NOW).messages
    )
    message = engine.campaigns.preview("welcome-back", [customer], moment=NOW).messages[0]
    url = message.data["unsubscribe_url"]
    page = engine.unsubscribe.page(url.rsplit("/", 1)[1])
    assert "<button>" in page
    assert engine.campaigns.preview(
        "welcome-back", [customer], moment=NOW
    ).messages  # looking at the page withdrew nothing
    engine.unsubscribe.withdraw(url.rsplit("/", 1)[1])
    assert engine.campaigns.preview("welcome-back", [customer], moment=NOW).messages == ()
    engine.runs.run("welcome-back", moment=NOW)
    assert customer not in {one.customer_id for one in loop.channel.sent}


def test_responses_teach_the_policy_once_and_are_reported_in_both_languages(loop: Loop) -> None:
    from zhanggui.evaluation.report import render_text

    engine = loop.engine
    run_id = engine.runs.run("welcome-back", moment=NOW).run_id
    told = {one.customer_id: "Tea" for one in loop.channel.sent}
    loop.clock.advance(timedelta(days=15))
    answers = list(loop.sample.model.respond(told, at=NOW, rng=random.Random(3)))
    result = engine.events.collect({"batch": answers})
    assert (result.stored, result.errors) == (len(answers), ())
    first = engine.runs.learn(run_id)
    assert first.learned > 0
    assert engine.runs.learn(run_id).learned == 0
    report = engine.runs.report(run_id)
    assert report.policy_after == first.policy_version
    assert report.lift is not None
    assert report.mature
    assert "treated" in render_text(report, "en")
    assert "触达" in render_text(report, "zh")


def test_holdouts_teach_the_policy_nothing(loop: Loop) -> None:
    engine = loop.engine
    run_id = engine.runs.run("welcome-back", moment=NOW).run_id
    arms = Counter(engine.runs.parts.decisions.table(run_id)["arm"].to_pylist())
    assert min(arms["treated"], arms["holdout"], arms["suppressed"]) > 0
    loop.clock.advance(timedelta(days=15))
    assert engine.runs.learn(run_id).learned == arms["treated"]


def test_same_seed_same_decision(loop: Loop) -> None:
    one = loop.engine.campaigns.explain("welcome-back", ["customer-001"], moment=NOW)[0].decision
    many = loop.engine.campaigns.explain("welcome-back", ["customer-001", "customer-002", "customer-003"], moment=NOW)
    assert next(x for x in many if x.customer_id == "customer-001").decision == one


def test_what_waits_for_the_end_of_quiet_hours_is_sent_when_it_is_due(loop: Loop) -> None:
    night = datetime(2026, 3, 2, 15, tzinfo=UTC)  # eleven in the evening in Shanghai
    loop.clock.advance(night - NOW)
    done = loop.engine.runs.run("welcome-back", moment=night)
    run_id, results = done.run_id, done.results
    asleep = results["deliver"]["waiting"]
    assert asleep > 50
    before = len(loop.channel.sent)
    assert loop.engine.runs.deliver_due() == {}
    loop.clock.advance(timedelta(hours=11))
    assert loop.engine.runs.deliver_due()[run_id]["sent"] >= before + asleep - 5
    assert len({one.message_id for one in loop.channel.sent}) == len(loop.channel.sent)
    assert loop.engine.runs.deliver_due() == {}


def test_who_refuses_personalisation_after_the_plan_gets_the_arm_without_her_profile(loop: Loop) -> None:
    engine, night = loop.engine, datetime(2026, 3, 2, 15, tzinfo=UTC)  # eleven in the evening in Shanghai
    loop.clock.advance(night - NOW)
    done = engine.runs.run("welcome-back", moment=night)
    run_id, results = done.run_id, done.results
    assert results["deliver"]["waiting"] > 50
    planned = {one.customer_id: one for batch in engine.runs.parts.decisions.read(run_id) for one in batch}
    hers = [who for who, one in planned.items() if one.action.kind == "message" and one.personalised]
    for who in hers[::7]:
        engine.consents.record(
            customer_id=who, channel="*", purpose="personalisation", granted=False, at=night.isoformat(), how="call", text=""
        )  # fmt: skip
    loop.clock.advance(timedelta(hours=11))
    asked = len(loop.model.requests)
    engine.runs.deliver_due()
    sent = {one.customer_id: one for one in loop.channel.sent}
    refused = [who for who in hers[::7] if who in sent and sent[who].send_at > night]
    assert len(refused) > 5
    assert len(loop.model.requests) == asked
    logged = {one.customer_id: one for batch in engine.runs.parts.decisions.read(run_id) for one in batch}
    assert set(logged) == set(planned)
    for who in refused:
        message, profile = sent[who], engine.customers.get(who).profile
        assert (message.proof["personalised"], message.proof["stage_used"]) == (False, "")
        assert profile["first_name"] not in message.body
        assert "points" not in message.body
        assert "with your purchases in mind" not in message.body
        assert "购买记录" not in message.body
        decision = logged[who]
        assert (decision.personalised, decision.action.offer_id) == (False, message.data["offer_id"])
        assert sum(decision.context) == 1.0, "only the constant"
        assert message.proof["propensity"] == decision.propensity
    assert all(sent[who].proof["personalised"] for who in set(hers) - set(hers[::7]) if who in sent)
    assert sum(one.chosen for one in engine.runs.report(run_id).actions) == sum(
        one.arm == "treated" for one in planned.values()
    )
