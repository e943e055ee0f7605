"""A request that is refused before its route sees it."""

from collections.abc import Mapping

from zhanggui.api.problems import problem


class RefusedError(Exception):
    """Why a request is not let in; `answer` is what the client hears."""

    def __init__(self, status: int, title: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(title)
        self.answer = problem(status, title, detail, headers=headers)
