"""Flows with their state and owner. Each run from before is a flow: done when its last message has ended, else running."""

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
