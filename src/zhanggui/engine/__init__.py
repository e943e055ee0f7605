"""The composition root: one shop, opened, in parts with names. The only room that knows all the others."""

from zhanggui.engine.engine import Engine

__all__ = ["Engine"]
