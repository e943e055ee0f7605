"""One turn of a conversation: understand, track, act, find, answer. Everything that it needs comes by constructor.

Pure but for its look-ups: the same state, words, shop and seed give the same answer. Knows no store and no door.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime

from zhanggui.conversation import next_acts, notices
from zhanggui.conversation.act import BeliefPolicy, DialogueAct, DialoguePolicy
from zhanggui.conversation.lookups import Lookups, Moment
from zhanggui.conversation.next_acts import Step
from zhanggui.conversation.respond import Sentences, Words
from zhanggui.conversation.settings import ConversationSettings
from zhanggui.conversation.shopping import Put
from zhanggui.conversation.state import BeliefState, Change, apply, changed
from zhanggui.conversation.track import track
from zhanggui.conversation.understanding import Understander, Understanding, Utterance

_TELLS = re.compile(r"[\u4e00-\u9fff]|\b[^\W\d_]{2,}\b[^@\d]*\s[^@\d]*\b[^\W\d_]{2,}\b")
"""A Chinese character or two words tell the language; a number, an address or an "ok" does not."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a shopper wrote, in which conversation, and who that is as far as it is known."""

    conversation_id: str
    text: str
    now: datetime
    customer_id: str = ""
    visitor_id: str = ""
    seed: str = ""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answered turn."""

    answer: str
    heard: Understanding
    acts: tuple[DialogueAct, ...]
    changes: tuple[Change, ...]
    state: BeliefState
    impressions: tuple[tuple[str, float], ...] = ()
    """Products that were put before the shopper, in order, each with the propensity of its act."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The sections of the policy pages that the answer cites."""
        return tuple(act.facts["source"] for act in self.acts if "source" in act.facts)

    @property
    def hands_over(self) -> bool:
        """Whether this turn asks a person to take over."""
        return any(act.name == "hand_over" for act in self.acts)


@dataclass(frozen=True, kw_only=True)
class Assistant:
    """The shop's assistant."""

    understander: Understander
    lookups: Lookups
    settings: ConversationSettings
    time_zone: str
    policy: DialoguePolicy = field(default_factory=BeliefPolicy)
    words: Words = field(default_factory=Sentences)

    def reply(self, state: BeliefState, said: Said) -> Reply:
        """Answer one turn. The state is the one that the last turn left."""
        text = said.text[: self.settings.longest_turn]
        language = None if state.turn == 0 or _TELLS.search(text) else state.language
        (heard,) = self.understander.understand([Utterance(text=text, language=language, asked=state.expected)])
        ontology = self.lookups.ontology()
        changes = track(state, heard, ontology, currency=self.lookups.currency)
        moment = Moment(
            conversation_id=said.conversation_id,
            number=state.turn + 1,
            state=apply(state, changes),
            heard=heard,
            now=said.now,
            customer_id=said.customer_id,
            visitor_id=said.visitor_id,
        )
        acts: list[DialogueAct] = []
        impressions: list[tuple[str, float]] = []
        for step in self._steps(moment, before=state):
            put = step(moment)
            new = changed(moment.state, _reason(put), **put.values)
            moment = replace(moment, state=apply(moment.state, new))
            changes += new
            acts += put.acts
            impressions += put.impressions
        if any(act.name == "hand_over" for act in acts):
            new = changed(moment.state, "a person takes over", stage="with_person", request={}, pending="", expected="")
            moment = replace(moment, state=apply(moment.state, new))
            changes += new
        answer = self.words.words(acts, moment.language, seed=f"{said.seed}:{moment.number}")
        return Reply(
            answer=answer,
            heard=heard,
            acts=tuple(acts),
            changes=tuple(changes),
            state=moment.state,
            impressions=tuple(impressions),
        )

    def _steps(self, moment: Moment, *, before: BeliefState) -> list[Step]:
        """What is done in this turn, one after the other; each step sees the state that the one before left."""
        steps = next_acts.steps(moment, self.lookups, self.policy, self.settings, self.time_zone, before=before)
        if not moment.state.with_person:
            steps.insert(0, lambda now: notices.notice(now, self.lookups))
        if moment.number == 1:
            steps.insert(0, lambda _now: Put(acts=(next_acts.introduction(self.lookups),)))
        return steps


def _reason(put: Put) -> str:
    """Why the state changes by what the assistant does: its acts."""
    return "; ".join(dict.fromkeys(act.action_id for act in put.acts)) or "as of now"
