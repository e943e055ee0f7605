"""The ontology of the catalogue as it is: learned once for each revision of it."""

from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa

from zhanggui.catalog import store
from zhanggui.catalog.ontology import Ontology, build_ontology
from zhanggui.catalog.ontology import store as ontology_store


@dataclass(kw_only=True)
class LearnedOntology:
    """Keeps the last one; two threads that both find it old learn it twice, and both rightly."""

    _last: tuple[int, Ontology] | None = field(default=None, init=False)

    def of(self, connection: sa.Connection) -> Ontology:
        """What shoppers may ask of the products that this connection sees; what was edited wins."""
        revision = store.revision(connection)
        if self._last is not None and self._last[0] == revision:
            return self._last[1]
        learned = build_ontology(store.every(connection), edited=ontology_store.edited(connection))
        self._last = (revision, learned)
        return learned


def edit(connection: sa.Connection, edited: Ontology, *, now: datetime) -> None:
    """Keep an edited ontology. Price ranges that nobody changed go on following the products."""
    learned = build_ontology(store.every(connection)).price_ranges
    own = {currency: prices for currency, prices in edited.price_ranges.items() if prices != learned.get(currency)}
    ontology_store.save(connection, replace(edited, price_ranges=own), now=now)
    store.count_revision(connection)
