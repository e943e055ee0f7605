"""Flows with their state and owner, and what journeys keep. Each run from before is a flow: done when its last message has ended, else running."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0014_flows"
down_revision = "0013_touches"

_runs = sa.table("runs", *map(sa.column, ("run_id", "campaign", "version", "results")))
_outbox = sa.table("outbox", *map(sa.column, ("run_id", "state")))
_ENDED = ("sent", "refused", "dead")


def upgrade() -> None:
    """Create the table and open a flow for each run."""
    flows = op.create_table(
        "flows",
        sa.Column("flow_id", sa.String(63), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("owner", sa.String(63)),
        sa.Column("owner_term", sa.BigInteger),
        sa.Column("owner_until", sa.BigInteger),
        sa.Column("policy_rejects", sa.Integer, nullable=False),
    )
    op.create_index("ix_flows_state", "flows", ["state", "kind"])
    _journeys()
    connection = op.get_bind()
    open_runs = sa.select(_outbox.c.run_id).where(_outbox.c.state.not_in(_ENDED)).distinct()
    unsent = set(connection.execute(open_runs).scalars())
    rows = [
        {
            "flow_id": run.run_id,
            "kind": "run",
            "name": run.campaign,
            "version": run.version,
            "state": "done" if "deliver" in json.loads(run.results) and run.run_id not in unsent else "running",
            "reason": "",
            "policy_rejects": 0,
        }
        for run in connection.execute(sa.select(_runs))
    ]
    if rows:
        connection.execute(sa.insert(flows), rows)


def _journeys() -> None:
    """Definitions, the events that are waited for, and who is on the way."""
    op.create_table(
        "journeys",
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("applied_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "journey_signals",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text),
        sa.Column("anonymous_id", sa.Text),
        sa.Column("product_ids", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    for column in ("user_id", "anonymous_id", "at"):
        op.create_index(f"ix_journey_signals_{column}", "journey_signals", [column])
    op.create_table(
        "journey_positions",
        sa.Column("flow_id", sa.String(63), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "journey_entries",
        sa.Column("flow_id", sa.String(63), primary_key=True),
        sa.Column("entry", sa.String(256), primary_key=True),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("product_id", sa.Text),
        sa.Column("entered_at", sa.BigInteger, nullable=False),
        sa.Column("step", sa.String(63), nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("batch", sa.String(63)),
    )
    op.create_index("ix_journey_entries_state", "journey_entries", ["flow_id", "state", "due_at"])
    op.create_index("ix_journey_entries_customer_id", "journey_entries", ["customer_id"])
