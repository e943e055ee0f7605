"""What README and how-tos promise stands there in these words, and tests keep it. Collects tests by reading, not running."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROMISES: dict[str, list[dict[str, Any]]] = tomllib.loads(
    (ROOT / "tests" / "promises.toml").read_text(encoding="utf-8")
)
ALL = [(document, promise) for document, promises in PROMISES.items() for promise in promises]
HOWTOS = sorted(
    f"docs/howto/{page.name}" for page in (ROOT / "docs/howto").glob("*.md") if not page.name.endswith(".zh-CN.md")
)


def flat(text: str, *, between: str = " ") -> str:
    """Text without its line breaks; between Chinese characters a break is no blank."""
    return re.sub(r"\s+", between, text.strip())


def read(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def twin(document: str) -> str:
    return document.removesuffix(".md") + ".zh-CN.md"


def problems(document: str, promise: dict[str, Any]) -> list[str]:
    """What is wrong with one promise; nothing when its words stand and each of its tests is there."""
    told = []
    if flat(promise["says"]) not in flat(read(document)):
        told.append(f"{document} no longer says: {promise['says']}")
    chinese = promise.get("says_zh")
    if chinese and flat(chinese, between="") not in flat(read(twin(document)), between=""):
        told.append(f"{twin(document)} no longer says: {chinese}")
    if not promise.get("tests"):
        told.append(f"no test keeps: {promise['says']}")
    return [*told, *(f"there is no test {test}" for test in promise.get("tests", ()) if not exists(test))]


def exists(test: str) -> bool:
    """Whether a node id (FILE::test or FILE::Class::test) names a test that pytest would collect."""
    file, *names = test.split("::")
    path = ROOT / file
    if not (file.startswith("tests/") and path.name.startswith("test_") and names and path.exists()):
        return False
    body: list[ast.stmt] = ast.parse(path.read_text(encoding="utf-8")).body
    for name in names[:-1]:
        body = [part for node in body if isinstance(node, ast.ClassDef) and node.name == name for part in node.body]
    made = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    machines = {  # hypothesis: TestRules = Rules.TestCase
        target.id
        for node in body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and node.value.attr == "TestCase"
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return names[-1] in {name for name in made if name.startswith("test_")} | machines


@pytest.mark.parametrize(("document", "promise"), ALL, ids=[promise["says"][:60] for _, promise in ALL])
def test_a_promise_stands_in_its_document_and_has_a_test_that_is_there(document: str, promise: dict[str, Any]) -> None:
    assert problems(document, promise) == []
    assert set(promise) <= {"says", "says_zh", "tests"}


def test_every_howto_and_the_readme_are_listed() -> None:
    assert sorted(PROMISES) == sorted(["README.md", *HOWTOS])


def test_everything_that_the_readme_holds_itself_to_is_listed() -> None:
    for document, heading, key in (
        ("README.md", "## What it holds itself to", "says"),
        ("README.zh-CN.md", "## 它的底线", "says_zh"),
    ):
        section = read(document).partition(heading)[2].partition("\n## ")[0]
        bullets = [flat(bullet, between="") for bullet in re.split(r"^- ", section, flags=re.MULTILINE)[1:]]
        assert len(bullets) >= 4
        said = [flat(promise[key], between="") for promise in PROMISES["README.md"] if key in promise]
        assert [bullet for bullet in bullets if not any(words in bullet for words in said)] == [], document


def test_every_step_of_a_campaign_is_listed() -> None:
    steps = re.split(r"^\d+\. ", read("docs/howto/campaign.md"), flags=re.MULTILINE)[1:]
    said = [flat(promise["says"]) for promise in PROMISES["docs/howto/campaign.md"]]
    unkept = [step[:60] for step in steps[1:] if not any(words in flat(step) for words in said)]
    assert len(steps) >= 8, "the steps are numbered otherwise now"
    assert unkept == []  # the first only says to write a file


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"says": "Every message is sent twice."}, "README.md no longer says"),
        ({"says_zh": "每条消息发两次。"}, "README.zh-CN.md no longer says"),
        ({"tests": []}, "no test keeps"),
        ({"tests": ["tests/architecture/test_promises.py::test_that_is_gone"]}, "there is no test"),
        ({"tests": ["tests/architecture/test_gone.py::test_that_is_gone"]}, "there is no test"),
        ({"tests": ["tests/architecture/test_promises.py::flat"]}, "there is no test"),
        ({"tests": ["tests/architecture/test_promises.py"]}, "there is no test"),
    ],
)
def test_a_promise_without_its_words_or_its_test_is_found(change: dict[str, Any], problem: str) -> None:
    (told,) = problems("README.md", PROMISES["README.md"][0] | change)
    assert told.startswith(problem)
