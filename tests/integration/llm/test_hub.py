"""Downloads against a real HTTP server that behaves as the hub, and misbehaves on demand."""

import hashlib
import json
import re
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from http_servers import SilentHandler, serving
from zhanggui.errors import ModelError
from zhanggui.llm import hub

WEIGHTS = b"GGUF" + bytes(range(256)) * 9000  # two chunks and a bit
SETTINGS = b'{"model_type": "qwen3"}'
SERVED = hub.find("qwen3-0.6b-gguf")
WHOLE = hub.find("Qwen3-0.6B")


class Server(ThreadingHTTPServer):
    """Holds the files of one repository. `cut` ends answers after so many bytes; `sent` replaces a file's content."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {SERVED.file: WEIGHTS, "config.json": SETTINGS, "model.safetensors": WEIGHTS, "README.md": b"#"}
        self.cut: list[int] = []
        self.sent: dict[str, bytes] = {}
        self.ranges: list[str | None] = []
        self.fetched: list[str] = []
        self.knows_ranges = True
        self.status = 200
        self.listing: Any = None

    def tree(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = [{"type": "directory", "path": "onnx", "oid": "0", "size": 0}]
        for path, data in self.files.items():
            git = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
            row: dict[str, Any] = {"type": "file", "path": path, "oid": git, "size": len(data)}
            if len(data) > 1000:
                row |= {"oid": "0", "lfs": {"oid": hashlib.sha256(data).hexdigest(), "size": len(data)}}
            rows.append(row)
        return rows


class Handler(SilentHandler):
    server: Server

    def do_GET(self) -> None:
        if self.server.status != 200:
            self.answer(self.server.status, b"no")
        elif self.path.startswith("/api/"):
            listing = self.server.tree() if self.server.listing is None else self.server.listing
            self.answer(200, json.dumps(listing).encode())
        elif "/resolve/" in self.path:  # the hub, too, sends on to where the file lies
            self.answer(302, b"", {"Location": f"/cdn/{self.path.partition('/main/')[2]}"})
        else:
            self.send_file(self.path.removeprefix("/cdn/"))

    def send_file(self, name: str) -> None:
        data, asked = self.server.sent.get(name, self.server.files[name]), self.headers.get("Range")
        self.server.fetched.append(name)
        self.server.ranges.append(asked)
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and self.server.knows_ranges else 0
        if start and start >= len(data):
            self.answer(416, b"")
            return
        more = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        cut = self.server.cut.pop(0) if self.server.cut else None
        self.answer(206 if start else 200, data[start:], more, cut=cut)

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None, cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:cut])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(Server()) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}/")
        yield server


def left(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())


def test_one_file_is_fetched_whole_and_told_of(server: Server, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    path = hub.pull(SERVED, tmp_path / "models", progress=lambda *one: told.append(one))
    assert path == tmp_path / "models" / SERVED.file
    assert path.read_bytes() == WEIGHTS
    assert told[-1] == (SERVED.file, len(WEIGHTS), len(WEIGHTS))
    assert left(tmp_path) == [f"models/{SERVED.file}"]
    hub.pull(SERVED, tmp_path / "models")
    assert len(server.fetched) == 1, "what is there was fetched again"


def test_the_command_says_where_it_is_and_what_to_do_next(server: Server, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from zhanggui.cli.main import app

    for name, words in (("qwen3-0.6b-gguf", "options = { path = "), ("qwen3-0.6b", 'base = "')):
        done = CliRunner().invoke(app, ["model", "pull", name, "--out", str(tmp_path)], catch_exceptions=False)
        assert done.exit_code == 0
        assert f"{hub.target(hub.find(name), tmp_path)} (Apache-2.0)" in done.output
        assert words in done.output
    assert (tmp_path / "Qwen3-0.6B" / "model.safetensors").read_bytes() == WEIGHTS


def test_a_folder_to_train_on_holds_what_training_reads(server: Server, tmp_path: Path) -> None:
    path = hub.pull(WHOLE, tmp_path)
    assert path == tmp_path / "Qwen3-0.6B"
    assert left(path) == ["config.json", "model.safetensors"]
    assert (path / "config.json").read_bytes() == SETTINGS


def test_a_cut_connection_is_gone_on_with(server: Server, tmp_path: Path) -> None:
    server.cut = [1_500_000, 300_000]
    assert hub.pull(SERVED, tmp_path).read_bytes() == WEIGHTS
    assert server.ranges == [None, "bytes=1500000-", "bytes=1800000-"]


def test_a_killed_download_is_gone_on_with_by_the_next_call(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{SERVED.file}.partial").write_bytes(WEIGHTS[:700_001])
    assert hub.pull(SERVED, tmp_path).read_bytes() == WEIGHTS
    assert server.ranges == ["bytes=700001-"]


def test_a_server_without_ranges_is_asked_from_the_beginning(server: Server, tmp_path: Path) -> None:
    server.knows_ranges = False
    (tmp_path / f"{SERVED.file}.partial").write_bytes(WEIGHTS[:500])
    assert hub.pull(SERVED, tmp_path).read_bytes() == WEIGHTS


def test_a_connection_that_brings_nothing_ends_with_what_to_do(server: Server, tmp_path: Path) -> None:
    server.cut = [1000, *[0] * 20]
    with pytest.raises(ModelError, match="By hand"):
        hub.pull(SERVED, tmp_path)
    assert len(server.fetched) == 1 + hub.ATTEMPTS
    assert (tmp_path / f"{SERVED.file}.partial").read_bytes() == WEIGHTS[:1000]


@pytest.mark.parametrize("wrong", [b"X" + WEIGHTS[1:], WEIGHTS + b"more"])
def test_a_wrong_hash_is_refused_and_the_file_removed(server: Server, tmp_path: Path, wrong: bytes) -> None:
    server.sent[SERVED.file] = wrong
    with pytest.raises(ModelError, match="hash is wrong"):
        hub.pull(SERVED, tmp_path)
    assert left(tmp_path) == []


def test_a_wrong_small_file_is_refused_too(server: Server, tmp_path: Path) -> None:
    server.sent["config.json"] = SETTINGS.replace(b"qwen3", b"other")
    with pytest.raises(ModelError, match="hash is wrong"):
        hub.pull(WHOLE, tmp_path)


def test_a_damaged_file_in_place_is_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / SERVED.file).write_bytes(b"GGUF")
    assert hub.pull(SERVED, tmp_path).read_bytes() == WEIGHTS


def test_a_path_out_of_the_folder_is_refused(server: Server, tmp_path: Path) -> None:
    server.listing = [{"type": "file", "path": "../evil.json", "oid": "0", "size": 1}]
    with pytest.raises(ModelError, match="unknown form"):
        hub.pull(WHOLE, tmp_path / "models")
    assert left(tmp_path) == []


@pytest.mark.parametrize(("status", "words"), [(404, "a mirror may lack it"), (503, "HTTP 503")])
def test_a_refusal_is_named(server: Server, tmp_path: Path, status: int, words: str) -> None:
    server.status = status
    with pytest.raises(ModelError, match=words):
        hub.pull(SERVED, tmp_path)


def test_a_repository_without_the_file_is_named(server: Server, tmp_path: Path) -> None:
    del server.files[SERVED.file]
    with pytest.raises(ModelError, match="holds no Qwen3"):
        hub.pull(SERVED, tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Qwen3-0.6B-GGUF", ("Qwen/Qwen3-0.6B-GGUF/resolve/main/Qwen3-0.6B-Q8_0.gguf", 'languages = ["en", "zh"]')),
        ("Qwen3-4B", ("Qwen/Qwen3-4B/tree/main", 'base = "')),
    ],
)
def test_offline_says_what_to_do_by_hand(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError) as caught:
        hub.pull(hub.find(name), tmp_path / "models")
    for one in (*words, "http://127.0.0.1:9/", "HF_ENDPOINT", str(tmp_path / "models")):
        assert one in str(caught.value)


def test_an_unknown_name_is_answered_with_the_list() -> None:
    with pytest.raises(ModelError, match="SmolLM2-360M-Instruct-GGUF"):
        hub.find("gpt-9")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full here")
def test_a_full_disk_is_said_in_one_sentence(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{SERVED.file}.partial").symlink_to("/dev/full")
    with pytest.raises(
        ModelError, match=r"cannot be written: No space left on device; .*takes 0\.6 GB.*goes on from there"
    ):
        hub.pull(SERVED, tmp_path)
