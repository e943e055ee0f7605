"""`engine.segments`: who a predicate holds for."""

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from zhanggui.catalog.product import Language
from zhanggui.engine.profiles import Profiles
from zhanggui.profiles.segments import Predicate

_EXAMPLES = 5


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Who a predicate holds for, in words and in number."""

    words: str
    members: int
    customers: int
    """In the snapshot."""
    examples: tuple[str, ...]
    """Ids of some members."""
    as_of: datetime
    """Of the snapshot."""
    events_since: int
    """Events that the log has taken in since the snapshot was built."""


@dataclass(frozen=True, kw_only=True)
class Segments:
    """The segments of a shop's customers."""

    profiles: Profiles

    def of(self, text: str, *, language: Language = "en") -> Segment:
        """Who a predicate holds for, in the snapshot in use. Raises PredicateError."""
        predicate = Predicate.parse(text)
        snapshot = self.profiles.latest()
        table = snapshot.table(columns=sorted({"customer_id", *predicate.columns()}))
        members = table.filter(pa.array(predicate.mask(table)))
        return Segment(
            words=predicate.explain(language),
            members=members.num_rows,
            customers=table.num_rows,
            examples=tuple(members["customer_id"].slice(0, _EXAMPLES).to_pylist()),
            as_of=snapshot.as_of,
            events_since=self.profiles.events_since(snapshot),
        )
