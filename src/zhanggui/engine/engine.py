"""Opens a shop: its settings become stores, model, channels, and of them the parts with names. Each part has the verbs.

Doors (library, command line, HTTP) call a part's verb and render what it returns.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa

from zhanggui.attribution.reward import RewardLog
from zhanggui.campaigns import journey_signals
from zhanggui.campaigns.run_parts import RunParts
from zhanggui.catalog.product import Language
from zhanggui.catalog.search import SearchShelf, encoder_embedder
from zhanggui.config import FILE, Config, load, template
from zhanggui.content.compose import Sender
from zhanggui.conversation.act import BeliefPolicy, DialoguePolicy
from zhanggui.conversation.learned_act import NAME as DIALOGUE_POLICY
from zhanggui.conversation.learned_act import LearnedPolicy
from zhanggui.decisioning.log import DecisionLog
from zhanggui.delivery import sender_identity
from zhanggui.delivery.channel import Channel
from zhanggui.delivery.sender_identity import ChannelKind, IdentityProblem
from zhanggui.engine.addresses import Addresses
from zhanggui.engine.campaigns import Campaigns
from zhanggui.engine.catalog import Catalog
from zhanggui.engine.chat_offers import offers
from zhanggui.engine.consents import Consents
from zhanggui.engine.conversations import Conversations, open_conversations
from zhanggui.engine.customers import Customers
from zhanggui.engine.events import Events
from zhanggui.engine.flows import Flows
from zhanggui.engine.keys import Keys
from zhanggui.engine.models import Models
from zhanggui.engine.profiles import Profiles
from zhanggui.engine.rejects import Rejects
from zhanggui.engine.runs import Runs
from zhanggui.engine.secret import SECRET_ENV, signing_secret
from zhanggui.engine.segments import Segments
from zhanggui.engine.service import Service, open_service
from zhanggui.engine.shop_assistant import ShopAssistant
from zhanggui.engine.understanders import understander_named
from zhanggui.engine.unsubscribe import Unsubscribe
from zhanggui.engine.walks import Walks
from zhanggui.errors import ConfigError, StorageError
from zhanggui.events.log import EventLog, Heard
from zhanggui.llm.model import LanguageModel
from zhanggui.profiles import identity
from zhanggui.service import order_events
from zhanggui.storage import ArtifactStore, Database, plugins

if TYPE_CHECKING:
    from zhanggui.shops.sample import SampleShop


def _now() -> datetime:
    return datetime.now(UTC)


def _dialogue_policy(version: str, artifacts: ArtifactStore) -> DialoguePolicy:
    """The policy that the settings name."""
    return LearnedPolicy.read(artifacts.get(DIALOGUE_POLICY, version).path) if version else BeliefPolicy()


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What is set up in a shop."""

    name: str
    currency: str
    language: Language
    time_zone: str
    database: str
    """Its URL, without the password."""
    model: str
    """The kind of model that writes; "" for none."""
    model_languages: tuple[Language, ...]
    """The languages that it writes; the others are written from templates."""
    channels: Mapping[str, str]
    """The kind of each, by name."""
    campaigns: tuple[str, ...]
    secret_env: str
    """The environment variable for the secret."""
    secret_given: bool
    """Whether it is set; one in the database is used otherwise."""
    problems: tuple[IdentityProblem, ...]
    """What keeps the shop from writing to customers."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One shop, opened, in parts with names. Use it as a context manager; it is safe to share between threads."""

    folder: Path
    config: Config
    version: str
    clock: Callable[[], datetime]
    """Says what time it is."""
    database: Database
    artifacts: ArtifactStore
    """Models, policies, indexes and snapshots of this shop, by version."""
    events: Events
    catalog: Catalog
    consents: Consents
    addresses: Addresses
    profiles: Profiles
    customers: Customers
    segments: Segments
    models: Models
    campaigns: Campaigns
    runs: Runs
    flows: Flows
    unsubscribe: Unsubscribe
    keys: Keys
    service: Service
    conversations: Conversations

    @classmethod
    def create(cls, folder: Path, **settings: Any) -> None:
        """Set up a shop in a new folder. Raises ConfigError when one is there already."""
        path = folder / FILE
        if path.exists():
            raise ConfigError(f"{path} is there already; nothing was changed")
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(template(outbox=str(folder.resolve() / "outbox"), **settings), encoding="utf-8")

    @classmethod
    def open(
        cls,
        folder: Path | str,
        *,
        model: LanguageModel | None = None,
        channels: Mapping[str, Channel] | None = None,
        dialogue_policy: DialoguePolicy | None = None,
        clock: Callable[[], datetime] = _now,
        replayed: bool = False,
    ) -> "Engine":
        """Open the shop in `folder`. Raises ConfigError.

        `model` and `channels` stand in for those that the settings name; `zhanggui.testing` has some for tests.
        `dialogue_policy` stands in for the belief rule. `replayed` marks a shop whose past is played again.
        """
        folder = Path(folder)
        config = load(folder)
        data = folder / config.storage.folder
        database = _database(folder, config)
        settings = replace(config.events, currency=config.shop.currency)
        late = timedelta(hours=config.delivery.expire_hours)
        log = EventLog(database, data / "events", settings, heard=_hear(clock, late))
        artifacts = ArtifactStore(data / "artifacts")
        rejects = Rejects(folder=data / "rejects", clock=clock)
        models = Models(settings=config.model, given=model)
        unsubscribe = Unsubscribe(
            database=database,
            shop=config.shop,
            secret=signing_secret(database, former=data / "secret.key"),
            clock=clock,
        )
        profiles = Profiles(log=log, artifacts=artifacts, settings=config.profiles, clock=clock)
        shop, names = config.shop, tuple(config.channels)
        parts = RunParts(
            database=database,
            events=log,
            artifacts=artifacts,
            decisions=DecisionLog(data / "decisions"),
            rewards=RewardLog(data / "rewards"),
            model=models.writer,
            model_languages=tuple(config.model.languages),
            channels=lambda: _channels(config) if channels is None else channels,
            paces=config.channels,
            new_policy=lambda name: plugins.make("zhanggui.policies", name, {}),
            unsubscribe_url=unsubscribe.url,
            sender=Sender(name=shop.name, address=shop.address, contact=shop.contact, url=shop.url),
            currency=shop.currency,
            language=shop.language,
            time_zone=shop.time_zone,
            profiles=config.profiles,
            limits=config.contact_limits,
            content=config.content,
            delivery=config.delivery,
            attribution=config.attribution,
            clock=clock,
            replayed=replayed,
        )
        identity_problems = partial(_identity_problems, config) if channels is None else lambda _channels: ()
        catalog = Catalog(
            database=database,
            rejects=rejects,
            clock=clock,
            currency=shop.currency,
            language=shop.language,
            seller=shop.name,
            search_index=SearchShelf(
                artifacts=artifacts, clock=clock, embedder=encoder_embedder(config.search, folder)
            ),
        )
        service = open_service(folder, config, database=database, rejects=rejects, clock=clock)
        campaigns = Campaigns(parts=parts, profiles=profiles, channels=names)
        assistant = ShopAssistant(
            config=config,
            database=database,
            catalog=catalog,
            service=service,
            offers=offers(campaigns),
            clock=clock,
            policy=dialogue_policy or _dialogue_policy(config.conversation.policy_version, artifacts),
            new_understander=understander_named(
                config.conversation.understander, artifacts=lambda: artifacts, model=models.writer
            ),
        )
        return cls(
            folder=folder,
            config=config,
            version=version("zhanggui"),
            clock=clock,
            database=database,
            artifacts=artifacts,
            events=Events(log=log, rejects=rejects, clock=clock),
            catalog=catalog,
            consents=Consents(database=database, channels=names, rejects=rejects, clock=clock),
            addresses=Addresses(database=database, channels=names, clock=clock),
            profiles=profiles,
            customers=Customers(database=database, profiles=profiles, channels=names),
            segments=Segments(profiles=profiles),
            models=models,
            campaigns=campaigns,
            runs=Runs(parts=parts, walks=Walks(parts=parts, identity_problems=identity_problems)),
            flows=Flows(parts=parts, channels=names, identity_problems=identity_problems),
            unsubscribe=unsubscribe,
            keys=Keys(database=database, clock=clock),
            service=service,
            conversations=open_conversations(config, assistant=assistant, database=database, log=log, clock=clock),
        )

    def setup(self) -> Setup:
        """What is set up."""
        config = self.config
        return Setup(
            name=config.shop.name,
            currency=config.shop.currency,
            language=config.shop.language,
            time_zone=config.shop.time_zone,
            database=self.database.url.render_as_string(hide_password=True),
            model=config.model.type,
            model_languages=tuple(config.model.languages),
            channels={name: channel.type for name, channel in config.channels.items()},
            campaigns=tuple(campaign.name for campaign in self.campaigns.all()),
            secret_env=SECRET_ENV,
            secret_given=bool(os.environ.get(SECRET_ENV)),
            problems=_identity_problems(config, config.channels),
        )

    def load_sample(self, *, seed: int = 7) -> "SampleShop":
        """Fill the shop with the bilingual sample: products, customers, consents, orders, policy pages, and a campaign."""
        from zhanggui.shops.policy_pages import write_policy_pages
        from zhanggui.shops.sample import write_sample

        made = write_sample(self.folder / "sample", seed=seed, until=self.clock())
        self.catalog.load(made.products, form="jsonl")
        self.consents.load(made.consents)
        self.events.ingest(made.events)
        self.service.load_orders(made.orders)
        write_policy_pages(self.service.pages.folder)
        self.campaigns.apply_file(made.campaign)
        self.profiles.build()
        return made

    def check_health(self) -> None:
        """Raises StorageError when the database does not answer."""
        self.database.check_health()

    def close(self) -> None:
        """Wait for background runs and let the database go."""
        self.runs.wait()
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _hear(clock: Callable[[], datetime], late: timedelta) -> Heard:
    """What listens as events are stored: who is who, what was bought, and what journeys wait for."""

    def heard(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        identity.hear(connection, rows)
        order_events.hear(connection, rows)
        journey_signals.hear(connection, rows, now=clock(), late=late)

    return heard


def _database(folder: Path, config: Config) -> Database:
    """The shop's database, brought to the present schema."""
    storage, data = config.storage, folder / config.storage.folder
    url = os.environ.get(storage.database_env, "") if storage.database_env else ""
    if storage.database_env and not url:
        raise ConfigError(f"the environment variable {storage.database_env} holds no database URL")
    database = Database(url or storage.database or f"sqlite:///{data / 'shop.db'}")
    profiles = data / "artifacts" / "profiles"
    if database.missing and profiles.exists():
        raise StorageError(
            f"the database {Path(str(database.url.database)).absolute()} is not there, but {profiles} was built "
            f"from one; put it back, or name it in full in [storage] of {folder / FILE}; to begin anew, remove {data}"
        )
    database.migrate()
    return database


def _identity_problems(config: Config, names: Collection[str]) -> tuple[IdentityProblem, ...]:
    """What keeps the shop from writing to customers over the channels with these names."""
    kinds = {
        name: ChannelKind(type=channel.type, options=channel.options)
        for name, channel in config.channels.items()
        if name in names
    }
    shop = config.shop
    return tuple(sender_identity.problems(address=shop.address, public_url=shop.public_url, channels=kinds))


def _channels(config: Config) -> dict[str, Channel]:
    return {
        name: plugins.make("zhanggui.channels", channel.type, channel.options)
        for name, channel in config.channels.items()
    }
