"""People of the shop in a conversation: they write, give it back, and their own desk is told that one waits."""

import secrets
from datetime import datetime

from zhanggui.access.signed_post import SignedPost
from zhanggui.conversation import inbox, store
from zhanggui.conversation.state import changed
from zhanggui.conversation.store import Turn
from zhanggui.errors import BusyError
from zhanggui.storage import Database

_TRIES = 8
_TYPE = "conversation.handed_over"


def as_person(database: Database, conversation_id: str, *, answer: str, key: str, now: datetime) -> Turn:
    """Write a person's turn down; without an `answer`, one that gives the conversation back to the assistant.

    Raises NotFoundError and BusyError.
    """
    key = key or secrets.token_hex(16)
    for _ in range(_TRIES):
        with database.transaction() as connection:
            conversation = store.get(connection, conversation_id)
            if (written := store.turn_of_key(connection, conversation_id, key)) is not None:
                return written
            state = store.state(connection, conversation)
            stage = "with_person" if answer else "open"
            reason = "a person of the shop wrote" if answer else "a person of the shop gave it back"
            number = conversation.turns + 1
            turn = Turn(
                number=number,
                key=key,
                author="person",
                heard={"language": state.language},
                changes=tuple(changed(state, reason, turn=number, stage=stage, person_spoke=bool(answer))),
                acts=(),
                answer=answer,
                at=now,
            )
            if store.add(connection, conversation_id, turn):
                if answer:
                    inbox.answered(connection, conversation_id, now=now)
                else:
                    inbox.close(connection, conversation_id, now=now)
                return turn
    raise BusyError("this conversation has many turns at once; try again")


def tell(database: Database, post: SignedPost, *, now: datetime) -> int:
    """Tell the shop's own desk of hand-overs that are due; how many it took. What it did not take is tried again later."""
    with database.transaction() as connection:
        due = inbox.claim_due(connection, now=now)
    taken = 0
    with post.client() as client:
        for hand_over in due:
            data = {
                "conversation_id": hand_over.conversation_id,
                "turn": hand_over.number,
                "asked_at": hand_over.asked_at.isoformat(),
            }
            try:
                posted = post.send(
                    client, f"{hand_over.conversation_id}.{hand_over.number}", {"type": _TYPE, "data": data}
                )
            except OSError:  # a name server that does not answer
                continue
            if posted.status is not None and 200 <= posted.status < 300:
                taken += 1
                with database.transaction() as connection:
                    inbox.told(connection, hand_over)
    return taken
