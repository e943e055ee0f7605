"""The HTTP door: parse, one Engine method, render. Decides nothing."""

from zhanggui.api.app import create_app

__all__ = ["create_app"]
