"""Liquid templates: the operator's or the shipped ones. A slot that nobody fills is an error, never an empty hole.

Values are untrusted: they are cleaned before they are filled in, and never read as Liquid. Knows no message.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from zhanggui.catalog.clean import clean
from zhanggui.catalog.product import Language
from zhanggui.errors import TemplateError

_ADDRESS = re.compile(r"https?:|www\.|[\w-]\.(?:com|cn|net|org|shop|io|top|xyz)(?![a-z0-9])", re.IGNORECASE)
_SIGNS = re.compile(r"[{}<>%\[\]|\\`]")


def render(text: str, slots: Mapping[str, Any], *, name: str) -> str:
    """Fill a template. Raises TemplateError naming the template, and the slot that is unknown or the broken line."""
    from liquid.exceptions import LiquidError

    try:
        filled = _template(text).render(**slots)
    except LiquidError as error:
        raise TemplateError(str(error), source=name, hint="slots: " + ", ".join(sorted(slots))) from error
    return re.sub(r"\n{3,}", "\n\n", filled).strip()


def shipped(channel: str, language: Language) -> str:
    """The template that comes with the package; channels without one of their own use the e-mail's."""
    folder = files("zhanggui.content") / "templates"
    for name in (channel, "email"):
        file = folder / f"{name}.{language}.liquid"
        if file.is_file():
            return file.read_text(encoding="utf-8")
    raise TemplateError(f"there is no template for {channel} in {language}")


def personal(value: object) -> str:
    """A customer's own trait, made harmless: one line, no addresses, no markup or template signs, 40 characters."""
    words = clean("" if value is None else str(value)[:1_000]).split()
    text = _SIGNS.sub("", " ".join(word for word in words if not _ADDRESS.search(word)))
    return " ".join(text.split())[:40].strip()


@cache
def _template(text: str) -> Any:
    from liquid import Environment, StrictUndefined

    class Limited(Environment):
        """No includes, and bounds on what a template may do."""

        context_depth_limit = 10
        loop_iteration_limit = 1_000
        output_stream_limit = 100_000

    return Limited(undefined=StrictUndefined, autoescape=False).from_string(text)
