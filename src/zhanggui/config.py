"""One TOML file into every room's frozen settings. Unknown keys are errors; secrets come from the environment only.

Knows which rooms have settings, not what they mean.
"""

import json
import os
import tomllib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from zhanggui.attribution.settings import AttributionSettings
from zhanggui.catalog.product import Language
from zhanggui.catalog.search.settings import SearchSettings
from zhanggui.content.settings import ContentSettings
from zhanggui.conversation.settings import ConversationSettings
from zhanggui.delivery.outbox import DeliverySettings
from zhanggui.delivery.pace import Pace
from zhanggui.delivery.sender_identity import PLACEHOLDER_ADDRESS
from zhanggui.errors import ConfigError
from zhanggui.events.settings import EventSettings
from zhanggui.profiles.settings import ProfileSettings
from zhanggui.service.settings import ServiceSettings
from zhanggui.touches.contact_limits import ContactLimits

FILE = "zhanggui.toml"
_SENDER = "news@shop.example.com"
_CHOSEN = ("path", "adapter", "prompt")  # the options of a local model that say which one it is


@dataclass(frozen=True, kw_only=True)
class ShopSettings:
    """Who is writing to the customers."""

    name: str = "My Shop"
    """The sender that every message names."""
    address: str = ""
    """Postal address, named in every marketing message."""
    contact: str = ""
    """How to reach the shop: an e-mail address or a phone number."""
    url: str = "https://shop.example.com"
    """The shop's own site; its host is the only one that messages may link to."""
    public_url: str = "https://shop.example.com/zhanggui"
    """Where customers reach this server (https); unsubscribe links start with it."""
    currency: str = "CNY"
    """ISO 4217."""
    language: Language = "zh"
    """Of customers who state none."""
    time_zone: str = "Asia/Shanghai"
    """Of customers who state none (IANA name)."""


@dataclass(frozen=True, kw_only=True)
class StorageSettings:
    """Where things rest."""

    database: str = ""
    """SQLAlchemy URL; "" for SQLite in the data folder. A URL with a password belongs into `database_env`."""
    database_env: str = ""
    """Name of the environment variable that holds the database URL."""
    folder: str = "data"
    """The data folder, relative to the shop's folder."""


@dataclass(frozen=True, kw_only=True)
class ChannelSettings(Pace):
    """A channel, found by name, what it is told, and how fast it goes."""

    type: str
    """Name of the entry point."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Its own settings."""


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Which language model writes."""

    type: str = "local"
    """Name of the entry point in `zhanggui.models`: local (a GGUF file), remote (an OpenAI-compatible server); "" for
    none: every message is then written from templates."""
    languages: tuple[Language, ...] = ("en",)
    """Languages that it writes well enough; the others use templates. The default weights know English only."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Its own settings: `path` of a GGUF file, or `base_url` and `model` of a server, ..."""


@dataclass(frozen=True, kw_only=True)
class ApiSettings:
    """Limits of the HTTP server."""

    max_body_bytes: int = 4 * 1024 * 1024
    """Largest request body, before and after unpacking."""
    max_gzip_members: int = 64
    """A gzip body consists of at most so many members; clients send one."""
    bodies_in_flight_bytes: int = 64 * 1024 * 1024
    """Of all request bodies that are being read or worked on; beyond, a request is answered 503."""
    head_seconds: float = 10.0
    """Time for the head of a request, from the opening of the connection or the end of the answer before; and for a
    client to take its answer."""
    body_pause_seconds: float = 10.0
    """Longest pause within a request's body."""
    body_seconds: float = 60.0
    """Time for a request's body."""
    connections: int = 4096
    """Open at a time; beyond, the one that has waited longest for a request is closed."""
    connections_per_address: int = 256
    """Open at a time from one address (of IPv6: from one /64); the others are answered for `/healthz` only."""
    requests_per_minute: int = 6000
    """Of one API key."""
    assistant_requests_per_minute: int = 300
    """From one address to the tools for other assistants (`/mcp`)."""
    wrong_keys_per_minute: int = 30
    """From one address; beyond, keys that have not been seen to be good are answered 429."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Addresses or networks of proxies in front: their X-Forwarded-For names the client's address, and they may open any
    number of connections. Of others it is not read."""


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """What happens by itself, in `zhanggui worker` and in `zhanggui serve`: how often each step is done, in seconds."""

    compact_seconds: float = 3600.0
    """Hot events move into Parquet."""
    build_seconds: float = 3600.0
    """Profiles are built when those in use are so old."""
    resume_seconds: float = 10.0
    """Runs that were cut off go on."""
    send_seconds: float = 5.0
    """Messages that have become due leave."""
    advance_seconds: float = 10.0
    """Customers enter and leave flows, such as the one after an abandoned cart, and steps that are due are made."""
    index_seconds: float = 5.0
    """The search index takes in the products that changed; a search takes in few changes by itself."""
    prune_seconds: float = 3600.0
    """Old snapshots of profiles are removed."""
    keep_snapshots: int = 5
    """So many are kept beside those in use and those of runs in progress."""


@validated(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Config:
    """The settings of a shop. Every section may be left out; every setting has a safe default."""

    shop: ShopSettings = field(default_factory=ShopSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    events: EventSettings = field(default_factory=EventSettings)
    profiles: ProfileSettings = field(default_factory=ProfileSettings)
    contact_limits: ContactLimits = field(default_factory=ContactLimits)
    model: ModelSettings = field(default_factory=ModelSettings)
    content: ContentSettings = field(default_factory=ContentSettings)
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    channels: Mapping[str, ChannelSettings] = field(default_factory=dict)
    attribution: AttributionSettings = field(default_factory=AttributionSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
    service: ServiceSettings = field(default_factory=ServiceSettings)
    conversation: ConversationSettings = field(default_factory=ConversationSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    worker: WorkerSettings = field(default_factory=WorkerSettings)


_ADAPTER = TypeAdapter(Config)
_RENAMED = {("delivery", "patience_seconds"): "max_wait_seconds"}
"""Keys by their former name, read for one release."""


def load(folder: Path) -> Config:
    """The settings of the shop in `folder`. Raises ConfigError naming the file and the key."""
    path = folder / FILE
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"there is no shop in {folder.resolve()}: no {FILE}; `zhanggui init` makes one") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    return check(values, source=str(path))


def check(values: Mapping[str, Any], *, source: str) -> Config:
    """Validate settings given as plain data; a key by its former name is read with a warning. Raises ConfigError."""
    try:
        return _ADAPTER.validate_python(_with_present_names(values, source))
    except ValidationError as error:
        lines = []
        for one in error.errors(include_url=False):
            key = ".".join(map(str, one["loc"]))
            unknown = one["type"] == "unexpected_keyword_argument"
            lines.append(f"{source}: {key}: {'there is no such setting' if unknown else one['msg']}")
        raise ConfigError("\n".join(lines)) from error


def _with_present_names(values: Mapping[str, Any], source: str) -> dict[str, Any]:
    current = dict(values)
    for (section, former), present in _RENAMED.items():
        keys = current.get(section)
        if isinstance(keys, Mapping) and former in keys:
            warnings.warn(
                f"{source}: {section}.{former} is called {present} now; rename it, the next release refuses it",
                FutureWarning,
                stacklevel=3,
            )
            kept = {key: value for key, value in keys.items() if key != former}
            current[section] = {present: keys[former]} | kept
    return current


def choose_model(folder: Path, options: Mapping[str, str], *, languages: Sequence[str] = ()) -> Path:
    """Write into the shop's file that a local model with these options writes, in `languages` if some are given.

    Comments, other keys and other options of a local model (slots, context) stay. Returns the file. Raises ConfigError.
    """
    before = load(folder).model
    path = folder / FILE
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    section = document.setdefault("model", tomlkit.table())
    section["type"] = "local"
    if languages:
        section["languages"] = list(languages)
    known = section.get("options")
    if known is None or before.type != "local":
        section["options"] = known = tomlkit.inline_table()
    for name in _CHOSEN:
        known.pop(name, None)
    known.update(options)
    text = tomlkit.dumps(document)
    check(tomllib.loads(text), source=str(path))
    draft = path.with_name(f".{FILE}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    return path


def template(
    *,
    name: str = "My Shop",
    currency: str = "CNY",
    language: Language = "zh",
    time_zone: str = "Asia/Shanghai",
    smtp_port: int = 0,
    url: str = "https://shop.example.com",
    outbox: str = "outbox",
    address: str = PLACEHOLDER_ADDRESS,
) -> str:
    """The zhanggui.toml of a new shop. Without `smtp_port` the e-mail channel keeps messages in the folder `outbox`."""
    mail = f"""[channels.email]
type = "email"
options = {{ host = "127.0.0.1", port = {smtp_port}, security = "none", sender = "{_SENDER}", sender_name = "{name}" }}
"""
    keep = f"""# Messages are kept as files until you name your mail server:
# [channels.email]
# type = "email"
# options = {{ host = "smtp.example.com", sender = "news@example.com", user = "news", password_env = "SMTP_PASSWORD" }}
[channels.email]
type = "folder"
options = {{ folder = {json.dumps(outbox)}, sender = "{_SENDER}", sender_name = "{name}" }}
"""
    return f"""# The settings of a shop. Every setting and its default: docs/reference/settings.md

[shop]
name = "{name}"
address = "{address}"
contact = "hello@shop.example.com"
url = "{url}"
public_url = "{url}/zhanggui"
currency = "{currency}"
language = "{language}"
time_zone = "{time_zone}"

# The default model knows English only; for Chinese, written templates are used until you name a model that knows it:
# [model]
# type = "remote"
# languages = ["en", "zh"]
# options = {{ base_url = "http://localhost:11434/v1", model = "qwen3:4b-instruct" }}
{mail if smtp_port else keep}"""
