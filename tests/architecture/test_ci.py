"""Continuous integration leaves nothing out: without PostgreSQL it fails, and its script brings PostgreSQL along."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

_spec = importlib.util.spec_from_file_location("tests_conftest", ROOT / "tests" / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
conftest = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(conftest)


def test_a_missing_postgresql_is_a_failure_in_ci_and_a_skip_elsewhere() -> None:
    with pytest.raises(pytest.fail.Exception, match="initdb"):
        conftest.without_postgres("initdb", ci=True)
    with pytest.raises(pytest.skip.Exception, match="initdb"):
        conftest.without_postgres("initdb", ci=False)


@pytest.mark.parametrize(("value", "told"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_program_that_is_nowhere_is_missed(
    monkeypatch: pytest.MonkeyPatch, value: str, told: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", value)
    with pytest.raises(told, match="no-such-program"):
        conftest._postgres_program("no-such-program")


def test_the_script_installs_postgresql_where_it_is_not_and_then_runs_every_check() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.index("apt-get install") < script.rindex("make test")
    assert " postgresql\n" in script
