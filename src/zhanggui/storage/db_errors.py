"""What a database's error means to the person at the keyboard, in one sentence that says what to do. Connects to nothing."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import sqlalchemy as sa

from zhanggui.errors import InputError, StorageError

# By how SQLite's name of the error begins.
_SQLITE: Mapping[str, str] = {
    "SQLITE_BUSY": "the database {place} is locked by another program; wait until that has ended, or close it, and try again",
    "SQLITE_LOCKED": "the database {place} is locked by another program; wait until that has ended, and try again",
    "SQLITE_READONLY": "the database {place} cannot be written; allow this user to write the file and its folder",
    "SQLITE_CANTOPEN": "the database {place} cannot be opened; see that its folder is there and that this user may "
    "read and write it",
    "SQLITE_FULL": "the disk is full: {place} could not be written; make room and try again",
    "SQLITE_IOERR": "the disk failed while {place} was used ({reason}); look at the disk, then try again",
    "SQLITE_CORRUPT": "the database {place} is damaged; put a backup in its place",
    "SQLITE_NOTADB": "the file {place} is no SQLite database; name another in the database URL, or put a backup in its place",
}
# By how PostgreSQL's SQLSTATE begins.
_UNREACHED = (
    "PostgreSQL at {place} cannot be used ({reason}); see that it runs, and that host, port, user, password and name in "
    "the database URL ([storage] in zhanggui.toml) are right"
)
_POSTGRESQL: Mapping[str, str] = {
    "08": _UNREACHED,
    "28": _UNREACHED,
    "3D": _UNREACHED,
    "57P": _UNREACHED,
    "25006": "PostgreSQL at {place} takes no writes; name the primary server in the database URL, not a standby",
    "40": "another program changed the same rows of {place} at the same time; try again",
    "42501": "PostgreSQL at {place} refused ({reason}); let the user create and use tables, such as with "
    "GRANT CREATE, USAGE ON SCHEMA public TO {user}",
    "53": "PostgreSQL at {place} has no room left ({reason}); free disk, memory or connections of the server, and try again",
    "55P03": "another program has locked rows of {place}; try again",
}


def meaning(error: sa.exc.DBAPIError, url: sa.URL) -> str | None:
    """The sentence, without any secret of `url`; None for an error that is nobody's fault but ours."""
    if url.get_backend_name() == "sqlite":
        return _first(_SQLITE, getattr(error.orig, "sqlite_errorname", None) or "", place=url.database, error=error)
    host = url.host or url.query.get("host") or "the local socket"
    place = f"{host}{f':{url.port}' if url.port else ''}/{url.database or ''}"
    state = getattr(error.orig, "sqlstate", None) or ("" if error.statement else "08")  # while connecting: none yet
    return _first(_POSTGRESQL, state, place=place, error=error, user=url.username or "the user")


def is_conflict(error: BaseException) -> bool:
    """Whether the same transaction, begun again, may go well: another one was quicker (PostgreSQL: a deadlock, say)."""
    cause = error.__cause__
    return isinstance(cause, sa.exc.DBAPIError) and (getattr(cause.orig, "sqlstate", None) or "").startswith("40")


@contextmanager
def explained(url: sa.URL | str) -> Iterator[None]:
    """Within it, what the database at `url` refuses is raised as a StorageError that says what to do.

    A text with a NUL, which PostgreSQL knows nothing of, is no fault of the database: InputError.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        if "NUL (0x00)" in str(error.orig):
            raise InputError("it has a NUL character, which no text has", hint="leave U+0000 out") from error
        told = meaning(error, sa.make_url(url))
        if told is None:
            raise
        raise StorageError(told) from error


def _first(known: Mapping[str, str], code: str, *, error: sa.exc.DBAPIError, **words: str | None) -> str | None:
    words["reason"] = " ".join(str(error.orig).partition("\n\tIs the server")[0].split())[:300]
    return next((text.format(**words) for start, text in known.items() if code.startswith(start)), None)
