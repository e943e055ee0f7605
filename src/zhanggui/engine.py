"""The composition root: the only file that knows all rooms. Each method is one verb, and one or a few transactions.

Doors (library, command line, HTTP) call it and render what it returns.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zhanggui.campaigns import campaign as campaign_files
from zhanggui.campaigns import preview as previewing
from zhanggui.campaigns import store as campaign_store
from zhanggui.campaigns.campaign import Campaign
from zhanggui.catalog import load as catalog_load
from zhanggui.catalog.product import Product
from zhanggui.catalog.row import Deletion
from zhanggui.config import load, template
from zhanggui.errors import ConfigError, EventError, InputError, ProductError
from zhanggui.events.log import AppendResult
from zhanggui.profiles import consent, identity
from zhanggui.profiles.build import Snapshot, build, latest
from zhanggui.profiles.consent_file import from_data, read_consents
from zhanggui.profiles.segments import Predicate
from zhanggui.runs import Runs
from zhanggui.storage import plugins
from zhanggui.touches import contacts, suppression
from zhanggui.touches.suppression import Suppression

if TYPE_CHECKING:
    from zhanggui.shops.sample import SampleShop

Count = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What became of a file's rows."""

    stored: int = 0
    duplicates: int = 0
    upserted: int = 0
    deleted: int = 0
    kept: int = 0
    """Products that a full feed does not name, kept since a row was refused whose product nobody knows."""
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejects: Path | None = None
    """The reject file, if there is one."""


@dataclass(frozen=True, kw_only=True)
class SegmentView:
    """Who a predicate holds for."""

    words: str
    members: int
    customers: int
    examples: list[str]


class Engine(Runs):
    """One shop, opened. Use it as a context manager; it is safe to share between threads.

    `clock` says what time it is; `replayed` marks a shop whose past is played again.
    """

    @classmethod
    def create(cls, folder: Path, **settings: Any) -> None:
        """Set up a shop in a new folder. Raises ConfigError when one is there already."""
        path = folder / "zhanggui.toml"
        if path.exists():
            raise ConfigError(f"{path} is there already; nothing was changed")
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(template(outbox=str(folder.resolve() / "outbox"), **settings), encoding="utf-8")

    @classmethod
    def open(
        cls, folder: Path | str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC), replayed: bool = False
    ) -> "Engine":
        """Open the shop in `folder`. Raises ConfigError."""
        return cls(Path(folder), load(Path(folder)), clock=clock, replayed=replayed)

    # Events

    def ingest(self, path: Path, *, progress: Count = lambda _n: None) -> Loaded:
        """Take in a file of Segment messages; learn who is who from it. Bad lines go to a reject file."""
        from zhanggui.events.ingest import ingest_file

        done = 0

        def tell(lines: int) -> None:
            nonlocal done
            progress(lines - done)
            done = lines

        with self._rejects(path) as rejects:
            result = ingest_file(path, self.events, now=self.clock(), rejects=rejects, progress=tell)
        return Loaded(
            stored=result.stored, duplicates=result.duplicates, rejected=rejects.count, rejects=rejects.written
        )

    def collect(self, batch: Mapping[str, Any]) -> tuple[AppendResult, list[EventError]]:
        """Take in a batch call of the Segment spec. Good messages are kept; the errors name the bad ones."""
        from zhanggui.events.segment import parse_batch

        now = self.clock()
        events, errors = parse_batch(batch, received_at=now, settings=self.events.settings)
        with self.database.transaction() as connection:
            result = self.events.append(connection, events, now=now)
        return result, errors

    def compact(self) -> Any:
        """Move hot events into Parquet."""
        from zhanggui.events.compact import compact

        return compact(self.events, now=self.clock())

    # Products and consents

    def load_products(
        self,
        path: Path,
        *,
        form: str = "auto",
        mapping: Mapping[str, str] | None = None,
        currency: str | None = None,
        language: str = "",
        full: bool = False,
        progress: Count = lambda _n: None,
    ) -> Loaded:
        """Take in a product feed; a `full` one deletes what it does not name. Bad rows go to a reject file.

        Raises ProductError for a file that cannot be read, and for a full one without products.
        """
        with self._rejects(path) as rejects, self.database.transaction() as connection:
            done = catalog_load.load_feed(
                connection,
                path,
                rejects=rejects,
                form=form,
                mapping=mapping,
                currency=currency or self.config.shop.currency,
                language=self._language(language),
                full=full,
                now=self.clock(),
                progress=progress,
            )
        return Loaded(**asdict(done), rejected=rejects.count, rejects=rejects.written)

    def put_products(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Loaded, list[InputError]]:
        """Add, change or delete products given as plain data. Good rows are kept; the errors name the bad ones."""
        from zhanggui.catalog.row import read

        good: list[Product | Deletion] = []
        errors: list[InputError] = []
        for number, row in enumerate(rows):
            try:
                good.append(read(row, currency=self.config.shop.currency, language=self.config.shop.language))
            except ProductError as error:
                errors.append(error.at("", number))
        with self.database.transaction() as connection:
            upserted, deleted = catalog_load.load(connection, good, now=self.clock())
        return Loaded(upserted=upserted, deleted=deleted), errors

    def load_consents(self, path: Path, *, progress: Count = lambda _n: None) -> Loaded:
        """Take in consents from JSON lines. Bad lines go to a reject file."""
        now = self.clock()
        with self._rejects(path) as rejects:
            good = list(read_consents(path, now=now, rejects=rejects))
        progress(len(good))
        with self.database.transaction() as connection:
            changed = consent.record(connection, good, now=now)
        return Loaded(changed=changed, unchanged=len(good) - changed, rejected=rejects.count, rejects=rejects.written)

    def record_consent(self, **fields: Any) -> bool:
        """Record one consent; True when it changed what held before. Raises ConsentError."""
        now = self.clock()
        with self.database.transaction() as connection:
            return bool(consent.record(connection, [from_data(fields, now=now)], now=now))

    def suppress(self, address: str, *, channel: str, reason: str, by: str, lift: bool = False) -> Suppression:
        """Never use an address of a channel again, or `lift` that; who asked and why is kept. Raises InputError."""
        if channel not in self.config.channels:
            raise InputError(
                f"there is no channel {channel!r}", field="channel", hint=f"set up: {', '.join(self.config.channels)}"
            )
        address, reason = suppression.checked(address, reason, channel=channel)
        change = contacts.lift if lift else contacts.suppress
        with self.database.transaction() as connection:
            changed = change(connection, channel=channel, address=address, reason=reason, at=self.clock(), by=by)
            history = contacts.changes(connection, channel=channel, address=address)
        return Suppression(
            address=address, channel=channel, suppressed=not lift, changed=changed, history=tuple(history)
        )

    # Customers

    def load_sample(self, *, seed: int = 7) -> "SampleShop":
        """Fill the shop with the bilingual sample: products, customers, consents, and a campaign."""
        from zhanggui.shops.sample import write_sample

        made = write_sample(self.folder / "sample", seed=seed, until=self.clock())
        self.load_products(made.products, form="jsonl")
        self.load_consents(made.consents)
        self.ingest(made.events)
        self.apply_campaign_file(made.campaign)
        self.build_profiles()
        return made

    def build_profiles(self, *, as_of: datetime | None = None) -> Snapshot:
        """Build the profiles as of a moment (default: now), incrementally where that gives the same."""
        now = self.clock()
        return build(
            self.events,
            self.artifacts,
            as_of=as_of or now,
            settings=self.config.profiles,
            now=now,
            base=latest(self.artifacts),
        )

    def customer(self, customer_id: str) -> dict[str, Any]:
        """Profile, consents with their proof, and addresses. Raises NotFoundError."""
        snapshot = self._snapshot()
        profile = snapshot.profile(customer_id)
        with self.database.reading() as connection:
            consents = [asdict(one) for one in consent.proof(connection, customer_id)]
            channels = {
                name: identity.addresses(connection, [customer_id], name).get(customer_id)
                for name in self.config.channels
            }
        return {
            "customer_id": customer_id,
            "as_of": profile.as_of,
            "snapshot": profile.snapshot_version,
            "profile": dict(profile.features),
            "consents": consents,
            "addresses": channels,
        }

    def segment(self, text: str, *, language: str = "en") -> SegmentView:
        """Who a predicate holds for, in the latest snapshot. Raises PredicateError."""
        import pyarrow as pa

        predicate = Predicate.parse(text)
        table = self._snapshot().table(columns=sorted({"customer_id", *predicate.columns()}))
        found = table.filter(pa.array(predicate.mask(table)))
        return SegmentView(
            words=predicate.explain(language),
            members=found.num_rows,
            customers=table.num_rows,
            examples=found["customer_id"].slice(0, 5).to_pylist(),
        )

    # Campaigns

    def apply_campaign(self, definition: Mapping[str, Any]) -> int:
        """Store a campaign given as plain data; returns its version. Raises CampaignError."""
        return self._apply(campaign_files.check(definition))

    def apply_campaign_file(self, path: Path) -> tuple[str, int]:
        """Store a campaign from a TOML file; returns its name and version. Raises CampaignError."""
        found = campaign_files.parse(path.read_text(encoding="utf-8"), source=str(path))
        return found.name, self._apply(found)

    def export_campaign(self, name: str) -> str:
        """A campaign as TOML. Raises NotFoundError."""
        with self.database.reading() as connection:
            return campaign_files.to_toml(campaign_store.get(connection, name)[0])

    def campaigns(self) -> list[dict[str, Any]]:
        """Every campaign with its version, definition and runs."""
        found = []
        with self.database.reading() as connection:
            for name in campaign_store.names(connection):
                campaign, number = campaign_store.get(connection, name)
                runs = [one.run_id for one in campaign_store.runs_of(connection, name)]
                found.append(
                    {"name": name, "version": number, "runs": runs, "definition": campaign_files.to_data(campaign)}
                )
        return found

    def explain(
        self, name: str, customer_ids: Sequence[str], *, moment: datetime | None = None, language: str = "en"
    ) -> list[dict[str, Any]]:
        """What a campaign would do for these customers, and why. Logs and sends nothing. Raises NotFoundError."""
        campaign, at = self._campaign(name, moment)
        snapshot = self.build_profiles(as_of=at)
        words = self._language(language)
        return list(previewing.explained(self.parts, campaign, snapshot, customer_ids, at=at, language=words))

    def preview(
        self, name: str, customer_ids: Sequence[str], *, moment: datetime | None = None
    ) -> list[dict[str, Any]]:
        """The messages that these customers would get. Logs and sends nothing. Raises NotFoundError."""
        campaign, at = self._campaign(name, moment)
        snapshot = self.build_profiles(as_of=at)
        return [asdict(one) for one in previewing.messages(self.parts, campaign, snapshot, customer_ids, at=at)]

    # Inside

    def _apply(self, found: Campaign) -> int:
        for name in found.channels:
            if name not in self.config.channels:
                raise ConfigError(
                    f"campaign {found.name!r} uses the channel {name!r}; write a [channels.{name}] section"
                )
        plugins.find("zhanggui.policies", found.policy)
        with self.database.transaction() as connection:
            return campaign_store.apply(connection, found, now=self.clock())
