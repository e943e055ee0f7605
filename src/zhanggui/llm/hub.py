"""Downloads models from the Hugging Face hub, or a mirror of it: goes on where it was cut, checks every hash.

A short list of good models by name. Knows no command line and no shop; needs httpx alone.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import httpx

from zhanggui.errors import ModelError
from zhanggui.llm import connect

ENDPOINT = "https://huggingface.co"
ATTEMPTS = 4
_NEEDED = (".json", ".safetensors", ".txt", ".jinja", ".model")  # of a folder to train on
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)

Progress = Callable[[str, int, int], None]
"""Told the file, the bytes that are there now, and the bytes of the whole."""


@dataclass(frozen=True, kw_only=True)
class HubModel:
    """A model that is known to be good at its size."""

    name: str
    repository: str
    file: str = ""
    """The GGUF file, to serve; "" for a whole folder, to train on."""
    languages: tuple[str, ...] = ("en",)
    licence: str = "Apache-2.0"
    gigabytes: float
    """About."""


def _pair(
    name: str, owner: str, file: str, languages: tuple[str, ...], served: float, whole: float
) -> tuple[HubModel, ...]:
    return (
        HubModel(
            name=f"{name}-GGUF",
            repository=f"{owner}/{name}-GGUF",
            file=file,
            languages=languages,
            gigabytes=served,
        ),
        HubModel(name=name, repository=f"{owner}/{name}", languages=languages, gigabytes=whole),
    )


_BOTH = ("en", "zh")
MODELS: Mapping[str, HubModel] = {
    one.name: one
    for one in (
        *_pair("Qwen3-0.6B", "Qwen", "Qwen3-0.6B-Q8_0.gguf", _BOTH, 0.6, 1.5),
        *_pair("Qwen3-1.7B", "Qwen", "Qwen3-1.7B-Q8_0.gguf", _BOTH, 1.8, 4.1),
        *_pair("Qwen3-4B", "Qwen", "Qwen3-4B-Q4_K_M.gguf", _BOTH, 2.5, 8.1),
        *_pair("Qwen2.5-0.5B-Instruct", "Qwen", "qwen2.5-0.5b-instruct-q8_0.gguf", _BOTH, 0.7, 1.0),
        *_pair("SmolLM2-360M-Instruct", "HuggingFaceTB", "smollm2-360m-instruct-q8_0.gguf", ("en",), 0.4, 0.7),
    )
}
"""Name -> model: `NAME-GGUF` is one file to serve, `NAME` a folder to train on."""


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file of a repository, as the hub describes it."""

    path: str
    size: int
    sha256: str = ""
    """Of a large file (Git LFS); small ones have `git_sha1`, Git's hash of "blob SIZE\\0" and the content."""
    git_sha1: str = ""


def find(name: str) -> HubModel:
    """A model of the list, whatever the case. Raises ModelError that names them all."""
    for known in MODELS.values():
        if known.name.lower() == name.lower():
            return known
    raise ModelError(f"there is no {name} in the list; there are {', '.join(MODELS)}")


def endpoint() -> str:
    """The hub's address: the environment's HF_ENDPOINT (a mirror), else huggingface.co."""
    return (os.environ.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")


def target(model: HubModel, folder: Path) -> Path:
    """Where `pull` puts a model: a GGUF file, or a folder of its own."""
    return folder / (model.file or model.name)


def pull(model: HubModel, folder: Path, *, progress: Progress = lambda _file, _done, _size: None) -> Path:
    """Download a model into `folder`; returns its file, or for a whole repository its folder.

    What is there with the right hash is not fetched again. Raises ModelError: when the hub cannot be reached, with what
    to do by hand; when a file is not what the hub says it is, and that file is removed; when the disk is full.
    """
    place = target(model, folder)
    home = folder if model.file else place
    try:
        home.mkdir(parents=True, exist_ok=True)
        with connect.client(timeout=_TIMEOUT, follow_redirects=True) as client:
            files = _chosen(model, _listing(client, model))
            for one in files:
                download(client, address(model, one.path), one, home / one.path, progress=progress)
    except httpx.TransportError as error:
        raise ModelError(by_hand(model, folder, error)) from error
    except OSError as error:
        raise ModelError(
            f"{error.filename or home} cannot be written: {error.strerror}; {model.name} takes {model.gigabytes:g} GB. "
            "What was fetched so far is kept; the same command goes on from there"
        ) from error
    return place


def by_hand(model: HubModel, folder: Path, error: Exception) -> str:
    """What to do where the hub cannot be reached: the address, the place, the lines of TOML."""
    place = json.dumps(str(target(model, folder).resolve()), ensure_ascii=False)
    if model.file:
        languages = json.dumps(model.languages)
        steps = f"fetch {address(model, model.file)}\n  and put it at {place}"
        lines = f'[model]\ntype = "local"\nlanguages = {languages}\noptions = {{ path = {place} }}'
        lines = f"then write into zhanggui.toml:\n\n{lines}"
    else:
        steps = f"fetch the files of {endpoint()}/{model.repository}/tree/main\n  and put them into {place}"
        lines = f"then name it in the file of a training job:\n\nbase = {place}"
    return (
        f"{endpoint()} cannot be reached ({type(error).__name__}: {error}). With a mirror: set HF_ENDPOINT to its address. "
        f"By hand, on a machine that has a connection:\n  {steps}\n  {lines}\n"
        "What was fetched so far is kept; the same command goes on from there."
    )


def address(model: HubModel, path: str) -> str:
    """Where a file of the model's main branch lies."""
    return f"{endpoint()}/{model.repository}/resolve/main/{quote(path)}"


def download(
    client: httpx.Client,
    url: str,
    file: RemoteFile,
    out: Path,
    *,
    progress: Progress = lambda _file, _done, _size: None,
) -> None:
    """Fetch one file through `out`.partial, from where an earlier attempt stopped (HTTP Range), and check its hash.

    Raises ModelError when the hash is wrong (the file is removed) or the server refuses; httpx.TransportError when the
    connection was lost `ATTEMPTS` times without a byte more.
    """
    if out.is_file() and _is(out, file):
        progress(file.path, file.size, file.size)
        return
    part = out.with_name(f"{out.name}.partial")
    part.parent.mkdir(parents=True, exist_ok=True)
    failures = 0
    while (have := part.stat().st_size if part.exists() else 0) < file.size or not part.exists():
        try:
            _fetch(client, url, file, part, have, progress)
        except httpx.TransportError:
            failures = 0 if part.exists() and part.stat().st_size > have else failures + 1
            if failures >= ATTEMPTS:
                raise
            time.sleep(0.2 * 2**failures if failures else 0)
    if not _is(part, file):
        part.unlink()
        raise ModelError(
            f"{url} sent something else than the hub describes (its hash is wrong); it was removed. "
            "Try again; if it stays so, do not trust the server"
        )
    part.replace(out)


def _fetch(client: httpx.Client, url: str, file: RemoteFile, part: Path, have: int, progress: Progress) -> None:
    # Bytes as they lie on the server's disk: a compressed answer could not be gone on with.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with client.stream("GET", url, headers=headers) as answer:
        if answer.status_code == 416:  # shorter than we have: begin anew
            part.unlink()
            return
        if answer.status_code not in (200, 206):
            raise _refused(answer, url)
        goes_on = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if answer.status_code == 206 and not goes_on:
            raise ModelError(f"{url} answered with another part of the file than was asked for")
        done = have if goes_on else 0
        with part.open("ab" if goes_on else "wb") as out:
            for piece in answer.iter_bytes():  # as it comes: what were gathered first would be lost with the connection
                out.write(piece)
                done += len(piece)
                progress(file.path, done, file.size)
                if done > file.size:
                    break  # more than the hub describes: the hash will say so
        if done < file.size:
            raise httpx.RemoteProtocolError(f"the answer ended after {done} of {file.size} bytes")


def _listing(client: httpx.Client, model: HubModel) -> list[RemoteFile]:
    url = f"{endpoint()}/api/models/{model.repository}/tree/main?recursive=true"
    answer = client.get(url)
    if answer.status_code != 200:
        raise _refused(answer, url)
    try:
        return [_described(one) for one in answer.json() if one["type"] == "file"]
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{url} answered in an unknown form: {answer.text[:200]}") from error


def _described(row: Mapping[str, Any]) -> RemoteFile:
    path = PurePosixPath(row["path"])
    if path.is_absolute() or ".." in path.parts or "\\" in row["path"]:
        raise ValueError(f"{path} leads out of the folder")
    large = row.get("lfs") or {}
    return RemoteFile(
        path=str(path),
        size=int(large.get("size", row["size"])),
        sha256=str(large.get("oid", "")).removeprefix("sha256:"),
        git_sha1="" if large else str(row["oid"]),
    )


def _chosen(model: HubModel, files: Iterable[RemoteFile]) -> list[RemoteFile]:
    if model.file:
        found = [one for one in files if one.path == model.file]
    else:
        found = [one for one in files if one.path.endswith(_NEEDED) and "/" not in one.path]
    if not found:
        raise ModelError(f"{endpoint()}/{model.repository} holds no {model.file or 'model'} any more")
    return found


def _is(path: Path, file: RemoteFile) -> bool:
    """Whether the file at `path` is the one that the hub describes."""
    if path.stat().st_size != file.size:
        return False
    with path.open("rb") as data:
        if file.sha256:
            return hashlib.file_digest(data, "sha256").hexdigest() == file.sha256
        header = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)
        return hashlib.file_digest(data, lambda: header).hexdigest() == file.git_sha1


def _refused(answer: httpx.Response, url: str) -> ModelError:
    if answer.status_code in (401, 403, 404):
        return ModelError(f"{url} is not there for everybody (HTTP {answer.status_code}); a mirror may lack it")
    return ModelError(f"{url} answered HTTP {answer.status_code}; try again later")
