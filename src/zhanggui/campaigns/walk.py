"""A run's walk: begun with a term of its flow, done step by step, each recorded under the term. Knows steps by name only.

`runs.results` is the one truth of what is done: a worker that takes over does what is not recorded there.
"""

from contextlib import suppress

import sqlalchemy as sa

from zhanggui.campaigns import store
from zhanggui.campaigns.run import Steps
from zhanggui.campaigns.run_parts import RunParts
from zhanggui.campaigns.store import Run
from zhanggui.delivery import outbox
from zhanggui.errors import BusyError, FlowError, ZhangguiError
from zhanggui.touches import flows, ownership
from zhanggui.touches.flows import Term
from zhanggui.touches.ownership import Ownership, OwnershipSettings


def begin(connection: sa.Connection, run: Run, *, settings: OwnershipSettings) -> Term | None:
    """Open a run, or take it up where it stands, and begin a term of its flow; None when it was walked to its end already.

    Raises BusyError while another worker walks it, and FlowError when it is paused or cancelled; to be called in a
    transaction that then writes nothing, so that what was refused is not taken up later.
    """
    walked = store.begin(connection, run).walked
    if (flow := flows.get(connection, run.run_id)).state in ("paused", "cancelled"):
        raise ownership.refusal(flow)
    if walked:
        return None
    return take_up(connection, run.run_id, settings=settings)


def take_up(connection: sa.Connection, run_id: str, *, settings: OwnershipSettings) -> Term:
    """Begin a term of a run's flow; that it failed before is forgotten. Raises BusyError and FlowError."""
    term = ownership.begin(connection, run_id, settings=settings)
    store.fail(connection, run_id, "")
    return term


def walk(parts: RunParts, run_id: str, own: Ownership) -> None:
    """Do the steps of a run that are not recorded yet. One that fails leaves its reason with the run.

    Raises BusyError and FlowError where the owner may not go on, which is no failure of the run.
    """
    try:
        for name, step in Steps(parts, run_id, own).by_name().items():
            with own.transaction() as connection:
                recorded = store.find(connection, run_id).results
            if name not in recorded:
                counted = step()
                with own.transaction() as connection:
                    store.keep(connection, run_id, name, counted)
                    settle(connection, run_id)
    except (BusyError, FlowError):
        raise
    except Exception as error:
        with suppress(ZhangguiError), own.transaction() as connection:
            store.fail(connection, run_id, _in_words(error))
        raise


def settle(connection: sa.Connection, run_id: str) -> None:
    """End the flow of a run that was walked to its end and whose messages have ended."""
    run = store.find(connection, run_id)
    if run.walked and all(state in outbox.ENDED for state in outbox.counts(connection, run_id).states):
        flows.finish(connection, run_id)


def _in_words(error: Exception) -> str:
    """Why a run failed. An error that is not ours may go on with data of customers: its first line is enough."""
    if isinstance(error, ZhangguiError):
        return str(error)
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:300]}"
