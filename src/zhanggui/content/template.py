"""Liquid templates: the operator's or the shipped ones. A slot that nobody fills is an error, never an empty hole.

Values are untrusted: they are cleaned before they are filled in, and never read as Liquid. Knows no message.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from zhanggui.catalog.product import Language
from zhanggui.errors import TemplateError


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


@cache
def _template(text: str) -> Any:
    from liquid import Environment, StrictUndefined

    class Limited(Environment):
        """No includes, and bounds on what a template may do."""

        context_depth_limit = 10
        loop_iteration_limit = 1_000
        output_stream_limit = 100_000

    return Limited(undefined=StrictUndefined, autoescape=False).from_string(text)
