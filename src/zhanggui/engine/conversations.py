"""`engine.conversations`: shoppers talk with the assistant, people of the shop take over, and what was shown is attributed."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from zhanggui.access.signed_post import SignedPost
from zhanggui.catalog.product import Language
from zhanggui.config import Config
from zhanggui.conversation import inbox, store
from zhanggui.conversation.assistant import Reply, Said
from zhanggui.conversation.inbox import HandOver
from zhanggui.conversation.settings import ConversationSettings
from zhanggui.conversation.state import BeliefState, Change
from zhanggui.conversation.store import Conversation, Turn
from zhanggui.engine import hand_overs, impressions
from zhanggui.engine.impressions import Attributed
from zhanggui.engine.shop_assistant import ShopAssistant
from zhanggui.errors import BusyError, ConversationError
from zhanggui.events.log import EventLog
from zhanggui.profiles import identity
from zhanggui.storage import Database

_TRIES = 8
_PRUNED_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a shopper gets for a turn."""

    conversation_id: str
    number: int
    answer: str
    """"" while a person has the conversation and has answered."""
    language: Language
    acts: tuple[str, ...]
    products: tuple[Mapping[str, Any], ...]
    """Put before the shopper in this turn: name, price and availability as of now, and the link."""
    sources: tuple[str, ...]
    """Sections of policy pages that are cited."""
    with_person: bool
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A conversation as the person who had it may read it."""

    conversation_id: str
    started_at: datetime
    turns: tuple[Mapping[str, Any], ...]
    """What was said and answered, by whom and when."""


@dataclass(frozen=True, kw_only=True)
class Conversations:
    """The conversations of a shop."""

    database: Database
    assistant: ShopAssistant
    settings: ConversationSettings
    log: EventLog
    clock: Callable[[], datetime]
    new_post: Callable[[], SignedPost | None]
    """To the shop's own desk; None where there is none. Raises DeliveryError when its settings are wrong."""

    # Shoppers

    def start(
        self,
        *,
        visitor_token: str = "",
        visitor_id: str = "",
        door: str = "library",
        language: Language | None = None,
        seed: str = "",
    ) -> Conversation:
        """Begin a conversation; with a visitor token, of that customer. Raises AccessError for a token that is not good.

        `language` holds until the shopper's words tell another; the same `seed` chooses the same wordings.
        """
        customer_id = self.assistant.service.visitor(visitor_token).customer_id if visitor_token else ""
        with self.database.transaction() as connection:
            return store.start(
                connection,
                visitor_id=visitor_id or secrets.token_hex(16),
                customer_id=customer_id,
                door=door,
                language=language or self.assistant.config.shop.language,
                seed=seed,
                now=self.clock(),
            )

    def turn(self, conversation_id: str, text: str, *, key: str = "") -> Answer:
        """Answer a turn. The same key gets the same answer, and is answered once, whoever of several workers is at it.

        Raises NotFoundError, ConversationError for a key that another turn has, and BusyError.
        """
        key = key or secrets.token_hex(16)
        if len(key) > store.LONGEST_KEY:
            raise ConversationError(f"the key is longer than {store.LONGEST_KEY} signs", field="key")
        assistant = self.assistant.now()
        for _ in range(_TRIES):
            with self.database.reading() as connection:
                conversation = store.get(connection, conversation_id)
                answered = store.turn_of_key(connection, conversation_id, key)
                before = store.state(connection, conversation)
            if answered is not None:
                if answered.said != text[: self.settings.longest_turn]:
                    raise ConversationError("another turn had this key", field="key", hint="give each turn its own")
                return _answer(conversation_id, answered)
            said = Said(
                conversation_id=conversation_id,
                text=text,
                now=self.clock(),
                customer_id=conversation.customer_id,
                visitor_id=conversation.visitor_id,
                seed=conversation.seed,
            )
            reply = assistant.reply(before, said)
            turn = _turn(reply, said, key, longest=self.settings.longest_turn)
            with self.database.transaction() as connection:
                if store.add(connection, conversation_id, turn):
                    if reply.hands_over:
                        tell = bool(self.settings.hand_over_url)
                        inbox.ask(connection, conversation_id, turn.number, tell=tell, now=turn.at)
                    return _answer(conversation_id, turn)
        raise BusyError("this conversation has many turns at once; send it again")

    def turns(self, conversation_id: str, *, after: int = 0) -> tuple[Turn, ...]:
        """The turns of a conversation after a number: what a page asks for while a person has it. Raises NotFoundError."""
        with self.database.reading() as connection:
            store.get(connection, conversation_id)
            return tuple(turn for turn in store.turns(connection, conversation_id) if turn.number > after)

    # Why

    def get(self, conversation_id: str) -> Conversation:
        """A conversation. Raises NotFoundError."""
        with self.database.reading() as connection:
            return store.get(connection, conversation_id)

    def state(self, conversation_id: str) -> BeliefState:
        """What the assistant believes now, rebuilt from the turns. Raises NotFoundError."""
        with self.database.reading() as connection:
            return store.state(connection, store.get(connection, conversation_id))

    def why(self, conversation_id: str) -> tuple[Change, ...]:
        """Every change of the state, with its reason, in order. Raises NotFoundError."""
        return tuple(change for turn in self.turns(conversation_id) for change in turn.changes)

    # People of the shop

    def inbox(self, *, limit: int = 100) -> tuple[HandOver, ...]:
        """The conversations that a person is to answer, longest waiting first."""
        with self.database.reading() as connection:
            return tuple(inbox.listed(connection, limit=limit))

    def reply_as_person(self, conversation_id: str, text: str, *, key: str = "") -> Turn:
        """Write in a conversation as a person of the shop, who has it from then on. The same key writes once."""
        words = text[: self.settings.longest_turn]
        return hand_overs.as_person(self.database, conversation_id, answer=words, key=key, now=self.clock())

    def hand_back(self, conversation_id: str, *, key: str = "") -> Turn:
        """Give a conversation back to the assistant."""
        return hand_overs.as_person(self.database, conversation_id, answer="", key=key, now=self.clock())

    def tell_hand_overs(self) -> int:
        """Tell the shop's own desk of hand-overs that are due, each by a signed webhook; how many it took."""
        post = self.new_post()
        return hand_overs.tell(self.database, post, now=self.clock()) if post else 0

    # Persons and time

    def export(self, customer_id: str) -> tuple[Exported, ...]:
        """Every conversation of a person, under any id, as that person may read it."""
        with self.database.reading() as connection:
            return tuple(
                Exported(
                    conversation_id=conversation.conversation_id,
                    started_at=conversation.started_at,
                    turns=tuple(
                        {"at": turn.at, "said": turn.said, "answer": turn.answer, "by": turn.author}
                        for turn in store.turns(connection, conversation.conversation_id)
                    ),
                )
                for conversation in store.of_customers(connection, _members(connection, customer_id))
            )

    def erase(self, customer_id: str) -> int:
        """Delete every conversation of a person, under any id; returns how many there were."""
        with self.database.transaction() as connection:
            found = store.of_customers(connection, _members(connection, customer_id))
            return store.delete(connection, [conversation.conversation_id for conversation in found])

    def erase_conversation(self, conversation_id: str) -> None:
        """Delete one conversation, such as an unknown visitor's. Raises NotFoundError."""
        with self.database.transaction() as connection:
            store.get(connection, conversation_id)
            store.delete(connection, [conversation_id])

    def prune(self) -> int:
        """Delete conversations that are older than the settings keep them; returns how many."""
        before, gone = self.clock() - timedelta(days=self.settings.keep_days), 0
        while True:
            with self.database.transaction() as connection:
                old = store.older(connection, before, limit=_PRUNED_AT_ONCE)
                gone += store.delete(connection, old)
            if len(old) < _PRUNED_AT_ONCE:
                return gone

    def attribute(self, *, days: int = 14) -> tuple[Attributed, ...]:
        """What known customers were shown in the last `2 * days`, and what they ordered within `days` of it."""
        now = self.clock()
        with self.database.reading() as connection:
            shown = impressions.logged(connection, since=now - timedelta(days=2 * days))
        return impressions.attribute(self.log, shown, days=days, now=now)


def _turn(reply: Reply, said: Said, key: str, *, longest: int) -> Turn:
    heard = reply.heard
    return Turn(
        number=reply.state.turn,
        key=key,
        said=said.text[:longest],
        heard={
            "language": reply.state.language,
            "intents": dict(heard.intents),
            "slots": [asdict(slot) for slot in heard.slots],
            "confidence": heard.confidence,
        },
        changes=reply.changes,
        acts=tuple({"name": act.name, "about": act.about, "facts": dict(act.facts)} for act in reply.acts),
        impressions=reply.impressions,
        answer=reply.answer,
        at=said.now,
    )


def _answer(conversation_id: str, turn: Turn) -> Answer:
    acts = tuple(act["name"] for act in turn.acts)
    cards = (card for act in turn.acts if act["name"] == "recommend" for card in act["facts"].get("products", ()))
    return Answer(
        conversation_id=conversation_id,
        number=turn.number,
        answer=turn.answer,
        language=turn.heard["language"],
        acts=acts,
        products=tuple(cards),
        sources=tuple(act["facts"]["source"] for act in turn.acts if "source" in act["facts"]),
        with_person=bool({"hand_over", "wait"} & set(acts)),
        at=turn.at,
    )


def _members(connection: sa.Connection, customer_id: str) -> Sequence[str]:
    """Every id of the person behind an id."""
    person = identity.persons_of(connection, [customer_id])[customer_id]
    return sorted({customer_id, *identity.members_of(connection, [person])[person]})


def open_conversations(
    config: Config, *, assistant: ShopAssistant, database: Database, log: EventLog, clock: Callable[[], datetime]
) -> Conversations:
    """The conversations of a shop, as its settings have them."""
    settings = config.conversation

    def new_post() -> SignedPost | None:
        if not settings.hand_over_url:
            return None
        return SignedPost(
            url=settings.hand_over_url,
            secret_env=settings.hand_over_secret_env,
            timeout_s=settings.hand_over_timeout_s,
            allow_private=settings.hand_over_allow_private,
            clock=clock,
            by="hand-overs",
        )

    return Conversations(
        database=database, assistant=assistant, settings=settings, log=log, clock=clock, new_post=new_post
    )
