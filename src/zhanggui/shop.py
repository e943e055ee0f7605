"""A shop, opened: its settings put together with its stores, model, channels and clock. `Runs` and `Engine` add the verbs.

Everything that a run touches is in `line`. Secrets come from the environment, or from a key file of the owner's.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from zhanggui import access
from zhanggui.access import ApiKey
from zhanggui.access.keys import Scope
from zhanggui.attribution.reward import RewardLog
from zhanggui.campaigns import store as campaign_store
from zhanggui.campaigns.run_parts import RunParts
from zhanggui.catalog.product import Language
from zhanggui.config import Config
from zhanggui.content.compose import Sender
from zhanggui.content.copywriter import with_copywriter
from zhanggui.decisioning.log import DecisionLog
from zhanggui.delivery import unsubscribe
from zhanggui.errors import ConfigError, InputError, NotFoundError, StorageError
from zhanggui.events.log import EventLog
from zhanggui.llm.model import LanguageModel
from zhanggui.profiles import consent, identity
from zhanggui.profiles.build import Snapshot, latest
from zhanggui.storage import ArtifactStore, Database, RejectFile, plugins

_SECRET_ENV = "ZHANGGUI_SECRET"  # noqa: S105 - the variable's name


class Shop:
    """One shop, opened. A context manager; it is safe to share between threads.

    `clock` says what time it is; `replayed` marks a shop whose past is played again.
    """

    def __init__(
        self,
        folder: Path,
        config: Config,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        replayed: bool = False,
    ) -> None:
        self.folder, self.config, self.clock = folder, config, clock
        self.version = version("zhanggui")
        data = folder / config.storage.folder
        self._data = data
        url = os.environ.get(config.storage.database_env, "") if config.storage.database_env else ""
        if config.storage.database_env and not url:
            raise ConfigError(f"the environment variable {config.storage.database_env} holds no database URL")
        self.database = Database(url or config.storage.database or f"sqlite:///{data / 'shop.db'}")
        profiles = data / "artifacts" / "profiles"
        if self.database.missing and profiles.exists():
            raise StorageError(
                f"the database {Path(str(self.database.url.database)).absolute()} is not there, but {profiles} was built "
                f"from one; put it back, or name it in full in [storage] of {folder / 'zhanggui.toml'}; to begin anew, remove {data}"
            )
        self.database.migrate()
        self.events = EventLog(
            self.database,
            data / "events",
            replace(config.events, currency=config.shop.currency),
            heard=identity.hear,
        )
        self.artifacts = ArtifactStore(data / "artifacts")
        self._model: LanguageModel | None = None
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        shop = config.shop
        self.parts = RunParts(
            database=self.database,
            events=self.events,
            artifacts=self.artifacts,
            decisions=DecisionLog(data / "decisions"),
            rewards=RewardLog(data / "rewards"),
            model=self._loaded_model,
            model_languages=tuple(config.model.languages),
            channels=self._channels,
            new_policy=lambda name: plugins.make("zhanggui.policies", name, {}),
            unsubscribe_url=self._unsubscribe_url,
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

    def describe(self, language: Language = "en") -> list[str]:
        """What is set up, line by line."""
        config = self.config
        with self.database.reading() as connection:
            names = campaign_store.names(connection)
        if language == "zh":
            written = "、".join({"en": "英文", "zh": "中文"}[one] for one in config.model.languages)
            model = (
                f"{config.model.type} 写{written}，其余使用模板"
                if config.model.type and written
                else "没有，全部使用模板"
            )
            return [
                f"店铺        {config.shop.name}（{config.shop.currency}，{config.shop.language}，{config.shop.time_zone}）",
                f"数据库      {self.database.url.render_as_string(hide_password=True)}",
                f"模型        {model}",
                f"渠道        {'、'.join(f'{name}（{one.type}）' for name, one in config.channels.items()) or '没有'}",
                f"活动        {'、'.join(names) or '没有'}",
                f"密钥        {_SECRET_ENV} {'已设置' if os.environ.get(_SECRET_ENV) else '没有设置：使用密钥文件'}",
            ]
        return [
            f"shop        {config.shop.name} ({config.shop.currency}, {config.shop.language}, {config.shop.time_zone})",
            f"database    {self.database.url.render_as_string(hide_password=True)}",
            f"model       {config.model.type or 'none'} for {', '.join(config.model.languages) or 'no language'}; "
            "the other languages are written from templates",
            f"channels    {', '.join(f'{name} ({one.type})' for name, one in config.channels.items()) or 'none'}",
            f"campaigns   {', '.join(names) or 'none'}",
            f"secret      {_SECRET_ENV} is {'set' if os.environ.get(_SECRET_ENV) else 'not set: a key file is used'}",
        ]

    def check_health(self) -> None:
        """Raises StorageError when the database does not answer."""
        try:
            with self.database.reading() as connection:
                connection.execute(sa.text("SELECT 1"))
        except sa.exc.SQLAlchemyError as error:
            raise StorageError(f"the database does not answer: {type(error).__name__}") from error

    def close(self) -> None:
        """Wait for background runs and let the database go."""
        self.wait_for_runs()
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def wait_for_runs(self) -> None:
        """Wait until the background runs have ended."""
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def unsubscribe_page(self, token: str) -> str:
        """The page behind an unsubscribe link. Changes nothing. Raises NotFoundError for a broken link."""
        wish = unsubscribe.read(token, self._secret())
        return unsubscribe.page(wish.language, self.config.shop.name, done=False)

    def unsubscribe(self, token: str) -> str:
        """Withdraw the consent that a link names, at once; returns the confirmation page. Raises NotFoundError."""
        wish = unsubscribe.read(token, self._secret())
        said = consent.Consent(
            customer_id=wish.customer_id,
            channel=wish.channel,
            purpose="marketing",
            granted=False,
            at=self.clock(),
            how="unsubscribe link",
            text="",
        )
        with self.database.transaction() as connection:
            consent.record(connection, [said], now=said.at)
        return unsubscribe.page(wish.language, self.config.shop.name, done=True)

    def broken_link_page(self) -> str:
        """The page behind an unsubscribe link that is cut off or not ours: what to do, in both languages."""
        return unsubscribe.broken_page(self.config.shop.name, self.config.shop.contact)

    def create_key(self, label: str, *, scope: Scope) -> str:
        """Make an API key; it is shown once."""
        with self.database.transaction() as connection:
            return access.create(connection, label=label, scope=scope, now=self.clock())

    def check_key(self, key: str, *, scope: Scope) -> ApiKey:
        """Who a key belongs to. Raises AccessError for an unknown key, ScopeError for one that is not for `scope`."""
        with self.database.reading() as connection:
            return access.verify(connection, key, scope=scope)

    def keys(self) -> list[ApiKey]:
        """Every API key, without the key."""
        with self.database.reading() as connection:
            return access.keys(connection)

    def revoke_key(self, key_id: str) -> None:
        """Close an API key. Raises NotFoundError."""
        with self.database.transaction() as connection:
            access.revoke(connection, key_id, now=self.clock())

    def moment(self, text: str | None) -> datetime | None:
        """A moment in ISO 8601, in UTC unless it says otherwise. Raises InputError."""
        if text is None:
            return None
        try:
            found = datetime.fromisoformat(text)
        except ValueError as error:
            raise InputError(f"{text!r} is no moment", hint="such as 2026-01-31T12:00:00+08:00") from error
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def _snapshot(self) -> Snapshot:
        found = latest(self.artifacts)
        if found is None:
            raise NotFoundError("no profiles have been built yet; run `zhanggui profiles`")
        return found

    def _rejects(self, path: Path) -> RejectFile:
        name = f"{path.name}-{self.clock():%Y%m%dT%H%M%S}.jsonl"
        return RejectFile(path=self._data / "rejects" / name, keep=True)

    def _language(self, text: str) -> Language:
        return "zh" if text == "zh" else "en" if text == "en" else self.config.shop.language

    def _loaded_model(self) -> LanguageModel | None:
        if not self.config.model.type:
            return None
        if self._model is None:
            chosen = self.config.model
            options = with_copywriter(chosen.options) if chosen.type == "local" else chosen.options
            self._model = plugins.make("zhanggui.models", chosen.type, options)
        return self._model

    def _channels(self) -> dict[str, Any]:
        return {
            name: plugins.make("zhanggui.channels", one.type, one.options) for name, one in self.config.channels.items()
        }

    def _unsubscribe_url(self, customer_id: str, channel: str, language: Language) -> str:
        wish = unsubscribe.Unsubscription(
            customer_id=customer_id, channel=channel, purpose="marketing", language=language
        )
        return f"{self.config.shop.public_url.rstrip('/')}/unsubscribe/{unsubscribe.token(wish, self._secret())}"

    def _secret(self) -> bytes:
        """Signs unsubscribe links: from the environment, else from a key file that only the owner can read."""
        if given := os.environ.get(_SECRET_ENV):
            return given.encode()
        path = self._data / "secret.key"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(f".{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_bytes(os.urandom(32).hex().encode())
            try:
                os.link(draft, path)  # whoever comes first; the others take hers
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_bytes()
