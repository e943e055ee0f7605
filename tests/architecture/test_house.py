"""What must stay true of the house: its public names, its doors, its documents, its start-up."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import zhanggui

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "zhanggui"


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=ROOT)


def test_public_names_are_pinned() -> None:
    assert sorted(zhanggui.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(zhanggui, name).__doc__


PUBLIC = [
    "Action",
    "Campaign",
    "ChatMessage",
    "ChatRequest",
    "Completion",
    "Decision",
    "Engine",
    "Event",
    "Message",
    "Money",
    "NO_ACTION",
    "Offer",
    "Product",
    "Profile",
    "Receipt",
    "Sampling",
    "Selection",
    "Selections",
    "ZhangguiError",
]


def test_reference_documents_say_what_is_true() -> None:
    done = _run("docs/generate.py", "--check")
    assert done.returncode == 0, done.stderr


def test_the_program_starts_without_heavy_libraries() -> None:
    code = "import sys, zhanggui.cli.main; print(sorted(set(sys.modules) & set(sys.argv[1:])))"
    heavy = [
        "torch",
        "transformers",
        "duckdb",
        "ibis",
        "pyarrow",
        "pandas",
        "numpy",
        "sqlalchemy",
        "fastapi",
        "pydantic",
        "xllamacpp",
        "httpx",
        "scipy",
        "liquid",
    ]
    done = _run("-c", code, *heavy)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_engine_needs_no_training_library() -> None:
    code = "import sys, zhanggui.engine; print(sorted({'torch', 'transformers', 'peft', 'trl'} & set(sys.modules)))"
    done = _run("-c", code)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_every_engine_door_of_the_design_has_its_command_and_its_route() -> None:
    """verb of a part -> (command, route)"""
    from zhanggui.engine.campaigns import Campaigns
    from zhanggui.engine.catalog import Catalog
    from zhanggui.engine.conversations import Conversations
    from zhanggui.engine.customers import Customers
    from zhanggui.engine.events import Events
    from zhanggui.engine.runs import Runs

    doors: dict[Callable[..., object], tuple[str, str]] = {
        Events.ingest: ("ingest", "/v1/batch"),
        Catalog.load: ("products", "/v1/products"),
        Catalog.search: ("catalog search", "/v1/products/search"),
        Customers.get: ("profile", "/v1/customers/{customer_id}"),
        Campaigns.explain: ("decide", "/v1/decisions"),
        Campaigns.preview: ("write", "/v1/messages"),
        Runs.run: ("campaign run", "/v1/campaigns/{name}/runs"),
        Runs.report: ("evaluate", "/v1/reports/{run_id}"),
        Conversations.turn: ("chat", "/v1/conversations/{conversation_id}/turns"),
    }
    commands = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    routes = json.loads((ROOT / "docs/reference/openapi.json").read_text(encoding="utf-8"))["paths"]
    for command, route in doors.values():
        assert f"`zhanggui {command} " in commands
        assert route in routes


def test_verbs_of_the_engine_answer_nouns_and_not_bags_of_anything() -> None:
    import dataclasses
    import inspect

    parts = [
        field.type
        for field in dataclasses.fields(zhanggui.Engine)
        if str(field.type).startswith("<class 'zhanggui.engine")
    ]
    assert len(parts) > 8
    verbs = [
        (part, name, verb)
        for part in (*parts, zhanggui.Engine)
        for name, verb in inspect.getmembers(part, inspect.isfunction)
        if not name.startswith("_")
    ]
    assert len(verbs) > 40
    for part, name, verb in verbs:
        answer = inspect.signature(verb).return_annotation
        assert answer is not inspect.Signature.empty
        assert "Any" not in str(answer), f"{part.__name__}.{name} answers {answer}"


def test_tests_give_fakes_to_the_engine_and_force_nothing_into_it() -> None:
    forced = re.compile(
        r"object\.__setattr__|unittest\.mock|monkeypatch\.setattr\((?!sys, \"argv\")|monkeypatch\.setitem"
    )
    for path in (ROOT / "tests").rglob("*.py"):
        if "training" in path.parts or path.name in ("test_bootstrap.py", "test_train.py", "test_house.py"):
            continue  # jobs, which no engine composes
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not forced.search(line), f"{path.name}:{number} forces an attribute: let it be given"


def test_commands_in_the_readme_exist() -> None:
    known = set(
        re.findall(
            r"^## `zhanggui ([a-z ]+?)(?= \[| [A-Z]|`)",
            (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    )
    for readme in ("README.md", "README.zh-CN.md"):
        used = re.findall(r"^zhanggui ([a-z]+(?: [a-z]+)?)", (ROOT / readme).read_text(encoding="utf-8"), re.MULTILINE)
        assert used
        for command in used:
            assert command in known or command.split()[0] in known, f"{readme} uses `zhanggui {command}`"


def test_links_in_documents_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_each_module_says_in_at_most_five_lines_what_it_does() -> None:
    import ast

    for path in SOURCE.rglob("*.py"):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert text, f"{path} says nothing"
        if path.name != "errors.py":  # whose docstring is the drawn tree
            assert len(text.splitlines()) <= 5, f"{path} says it in more than five lines"


def test_no_file_is_a_drawer() -> None:
    for path in SOURCE.rglob("*.py"):
        assert path.stem not in {"utils", "common", "helpers", "services", "managers", "misc"}
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, f"{path} holds two nouns"


def test_what_the_command_line_says_it_says_in_both_languages() -> None:
    """Texts in the code stand side by side in `say` or `either`, English first; whatever else is printed holds no words."""
    import ast

    word, chinese = re.compile(r"[^\W\d_]{2}"), re.compile(r"[\u4e00-\u9fff]")

    def texts(node: ast.AST | None) -> list[str]:
        """What a text that is put together in place says; not what a name or a call stands for."""
        if isinstance(node, ast.Constant):
            return [str(node.value)]
        parts = {ast.JoinedStr: ("values",), ast.FormattedValue: ("value",), ast.BinOp: ("left", "right"), ast.IfExp: ("body", "orelse")}  # fmt: skip
        inside = [getattr(node, name) for name in parts.get(type(node), ())]
        return [text for one in inside for each in (one if isinstance(one, list) else [one]) for text in texts(each)]

    pairs = 0
    for path in (SOURCE / "cli").glob("*.py"):
        if path.name == "main.py":  # it reports errors, which are in English
            continue
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            name, place = ast.unparse(call.func), f"{path.name}:{call.lineno}"
            if name in ("say", "either"):
                english, other = (" ".join(texts(one)) for one in call.args[:2])
                assert not chinese.search(english), f"{place} speaks Chinese where English stands"
                assert not word.search(english) or chinese.search(other), f"{place} lacks its Chinese"
                pairs += bool(chinese.search(other))
            elif name in ("show", "progress", "print", "typer.echo") or name.startswith(("console.", "errors.")):
                told = " ".join(texts(call.args[0])) if call.args else ""
                assert not word.search(told), f"{place} says {told!r} in one language: use `say`"
    assert pairs > 50, "the functions have other names now"
