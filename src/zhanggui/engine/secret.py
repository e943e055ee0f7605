"""The secret that signs unsubscribe links: from the environment, else from a key file that only the owner can read."""

import os
from pathlib import Path

SECRET_ENV = "ZHANGGUI_SECRET"  # noqa: S105 - the variable's name


def secret(path: Path) -> bytes:
    """The shop's secret. `path` is the key file, made when first needed and no secret is in the environment."""
    if given := os.environ.get(SECRET_ENV):
        return given.encode()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_bytes(os.urandom(32).hex().encode())
        try:
            os.link(draft, path)  # whoever comes first; the others take that one
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()
