"""The HTTP door: parse, one verb of a part of the engine, render. Decides nothing."""

from zhanggui.api.app import create_app

__all__ = ["create_app"]
