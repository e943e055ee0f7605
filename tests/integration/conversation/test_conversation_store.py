"""Conversations in SQL on both engines: by turn, once for each key and number, with their inbox."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from zhanggui.conversation import inbox, store
from zhanggui.conversation.state import Change
from zhanggui.conversation.store import Conversation, Turn
from zhanggui.errors import NotFoundError
from zhanggui.storage import Database

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def begin(database: Database, customer_id: str = "", at: datetime = NOW) -> Conversation:
    with database.transaction() as connection:
        return store.start(
            connection, visitor_id="v", customer_id=customer_id, door="test", language="en", seed="", now=at
        )


def turn(number: int, key: str = "", **fields: object) -> Turn:
    change = Change(field="words", value=f"word {number}", reason="said")
    made = {"number": number, "key": key or str(number), "heard": {"language": "en"}, "changes": (change,), "acts": ()}
    return Turn(**made | {"answer": f"answer {number}", "at": NOW} | fields)  # type: ignore[arg-type]


def test_the_state_is_rebuilt_from_what_was_written(database: Database) -> None:
    conversation = begin(database)
    for number in (1, 2):
        with database.transaction() as connection:
            assert store.add(connection, conversation.conversation_id, turn(number, impressions=(("tea-01", 1.0),)))
    with database.reading() as connection:
        kept = store.get(connection, conversation.conversation_id)
        assert store.state(connection, kept).words == "word 2"
        assert [one.answer for one in store.turns(connection, kept.conversation_id)] == ["answer 1", "answer 2"]
        assert store.turns(connection, kept.conversation_id)[0].impressions == (("tea-01", 1.0),)
        assert kept.turns == 2


def test_of_two_workers_who_answer_the_same_turn_one_writes(database: Database) -> None:
    conversation = begin(database)

    def write(worker: int) -> bool:
        with database.transaction() as connection:
            return store.add(connection, conversation.conversation_id, turn(1, key=f"worker {worker}"))

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(write, range(4))) == [False, False, False, True]
    with database.reading() as connection:
        assert len(store.turns(connection, conversation.conversation_id)) == 1


def test_a_key_leads_to_its_turn(database: Database) -> None:
    conversation = begin(database)
    with database.transaction() as connection:
        store.add(connection, conversation.conversation_id, turn(1, key="k"))
        found = store.turn_of_key(connection, conversation.conversation_id, "k")
        assert found is not None
        assert found.answer == "answer 1"
        assert store.turn_of_key(connection, conversation.conversation_id, "other") is None


def test_a_deleted_conversation_leaves_nothing(database: Database) -> None:
    old, new = begin(database, at=NOW - timedelta(days=9)), begin(database)
    with database.transaction() as connection:
        store.add(connection, old.conversation_id, turn(1, at=NOW - timedelta(days=9)))
        inbox.ask(connection, old.conversation_id, 1, tell=True, now=NOW)
        assert store.older(connection, NOW - timedelta(days=1), limit=10) == [old.conversation_id]
        assert store.delete(connection, [old.conversation_id]) == 1
    with database.reading() as connection:
        with pytest.raises(NotFoundError):
            store.get(connection, old.conversation_id)
        assert store.turns(connection, old.conversation_id) == []
        assert inbox.listed(connection) == []
        assert store.get(connection, new.conversation_id) == new


def test_the_inbox_is_told_once_each_and_again_later_until_it_is_taken(database: Database) -> None:
    conversation = begin(database)
    with database.transaction() as connection:
        inbox.ask(connection, conversation.conversation_id, 3, tell=True, now=NOW)
        assert [one.number for one in inbox.claim_due(connection, now=NOW)] == [3]
        assert inbox.claim_due(connection, now=NOW) == []
        (again,) = inbox.claim_due(connection, now=NOW + timedelta(minutes=1))
        assert again.tries == 1
        inbox.told(connection, again)
        assert inbox.claim_due(connection, now=NOW + timedelta(days=1)) == []


def test_a_person_answers_and_closes_what_waits(database: Database) -> None:
    conversation = begin(database)
    with database.transaction() as connection:
        inbox.ask(connection, conversation.conversation_id, 1, tell=False, now=NOW)
        assert inbox.claim_due(connection, now=NOW) == []  # there is no desk to tell
        inbox.answered(connection, conversation.conversation_id, now=NOW)
        assert [one.state for one in inbox.listed(connection)] == ["answered"]
        assert inbox.close(connection, conversation.conversation_id, now=NOW)
        assert not inbox.close(connection, conversation.conversation_id, now=NOW)
        assert inbox.listed(connection) == []
