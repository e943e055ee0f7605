"""Writes docs/reference/ from the code: commands, settings, campaign files, HTTP API. `--check` only compares.

A test runs the check, so that the reference says what is true.
"""

import dataclasses
import inspect
import itertools
import json
import sys
import tempfile
import textwrap
import typing
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parent / "reference"


def pages() -> dict[str, str]:
    """File name -> text."""
    from zhanggui.campaigns.campaign import Campaign
    from zhanggui.config import Config

    return {
        "commands.md": _commands(),
        "settings.md": _settings("Settings (`zhanggui.toml`)", Config),
        "campaign.md": _settings("Campaign files", Campaign),
        "openapi.json": _openapi(),
    }


def _commands() -> str:
    import typer
    from typer.main import get_command

    from zhanggui.cli.main import app

    lines = ["# Commands", ""]

    def walk(command: Any, path: str) -> None:
        context = typer.Context(command, info_name=path)
        children = getattr(command, "commands", {})
        if not children:
            lines.extend([f"## `{command.get_usage(context).removeprefix('Usage: ')}`", "", command.help or "", ""])
            for option in command.params:
                record = option.get_help_record(context)
                if record and option.name != "help":
                    lines.append(f"- `{record[0]}` {record[1]}")
                elif option.param_type_name == "argument":
                    lines.append(f"- `{option.human_readable_name}` {getattr(option, 'help', None) or ''}".rstrip())
            lines.append("")
        for name, child in children.items():
            walk(child, f"{path} {name}")

    walk(get_command(app), "zhanggui")
    return "\n".join(lines)


def _settings(title: str, root: type) -> str:
    lines = [f"# {title}", "", inspect.getdoc(root) or "", ""]

    def walk(kind: type, path: str) -> None:
        hints, docs = typing.get_type_hints(kind), _docs(kind)
        plain, nested = [], []
        for field in dataclasses.fields(kind):
            name = f"{path}.{field.name}" if path else field.name
            hint = hints[field.name]
            inner = next((one for one in (hint, *typing.get_args(hint)) if dataclasses.is_dataclass(one)), None)
            if inner is hint:
                nested.append((inner, name))
                continue
            plain.append(f"- `{field.name}` ({_type(hint)}{_default(field)}): {docs.get(field.name, '')}".rstrip(": "))
            if inner is not None:
                nested.append((inner, f"[{name}]"))
        if plain:
            heading = f"## `{path if path.startswith('[') else f'[{path}]'}`" if path else "## Top level"
            lines.extend([heading, "", (inspect.getdoc(kind) or "").split("\n\n")[0], "", *plain, ""])
        for inner, name in nested:
            walk(inner, name)

    walk(root, "")
    return "\n".join(lines)


def _docs(kind: type) -> dict[str, str]:
    """The string under each attribute, those of what `kind` builds on included."""
    import ast

    bodies = [
        ast.parse(textwrap.dedent(inspect.getsource(part))).body[0].body
        for part in kind.__mro__[::-1]
        if part is not object
    ]
    return {
        before.target.id: " ".join(str(after.value.value).split())
        for body in bodies
        for before, after in itertools.pairwise(body)
        if isinstance(before, ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
    }


def _type(hint: Any) -> str:
    text = hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)
    for prefix in ("typing.", "collections.abc.", "datetime.", "ipaddress."):
        text = text.replace(prefix, "")
    return text


def _default(field: Any) -> str:
    if field.default is not dataclasses.MISSING:
        return f", default `{field.default!r}`"
    if field.default_factory is not dataclasses.MISSING:
        return f", default `{field.default_factory()!r}`"
    return ", required"


def _openapi() -> str:
    from zhanggui.api import create_app
    from zhanggui.engine import Engine

    with tempfile.TemporaryDirectory() as folder:
        Engine.create(Path(folder) / "shop")
        with Engine.open(Path(folder) / "shop") as engine:
            return json.dumps(create_app(engine).openapi(), ensure_ascii=False, indent=1) + "\n"


def main() -> int:
    """Write the pages, or with --check say which are stale; the exit code is their number."""
    stale = []
    for name, text in pages().items():
        path = REFERENCE / name
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for name in stale:
        sys.stderr.write(f"docs/reference/{name} is stale: run python docs/generate.py\n")
    return len(stale)


if __name__ == "__main__":
    sys.exit(main())
