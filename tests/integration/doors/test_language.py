"""What an operator reads on the command line, in Chinese and in English, and which of the two."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from zhanggui.cli.main import app
from zhanggui.engine import Engine


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*arguments], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Of a shop whose language is Chinese, as that of a new one is."""
    Engine.create(tmp_path / "shop")
    return tmp_path / "shop"


def test_a_shops_day_reads_in_chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHANGGUI_LANGUAGE", "zh")
    where = ("-C", str(tmp_path / "shop"))
    told = run("init", str(tmp_path / "shop"), "--sample")
    assert "zhanggui.toml 已建好" in told
    assert "60 件商品，500 位顾客" in told
    with (tmp_path / "shop" / "zhanggui.toml").open("a") as settings:
        settings.write('\n[model]\ntype = ""\n')
    sample = tmp_path / "shop" / "sample"
    (sample / "bad.jsonl").write_text("{}\n", encoding="utf-8")
    for command, words in {
        ("check",): ("店铺        My Shop（CNY，zh", "模型        没有，全部使用模板", "ZHANGGUI_SECRET 没有设置"),
        ("ingest", str(sample / "bad.jsonl")): ("存入 0 条事件", "1 行被拒收，原因逐行写在"),
        ("products", str(sample / "products.jsonl")): ("收录 60 件商品，删除 0 件",),
        ("consents", str(sample / "consents.jsonl")): ("更新 0 条同意",),
        ("profiles",): ("500 份画像，截至",),
        ("segment", "orders >= 0"): ("500 位顾客中的 500 位",),
        ("events", "compact"): ("条事件移入",),
        ("campaign", "apply", str(sample / "welcome-back.toml")): ("welcome-back 现为第 1 版",),
        ("campaign", "run", "welcome-back"): (
            "快照       顾客 500",
            "决策       顾客",
            "个中文任务由模板写成",
            "报告见 `",
        ),
        ("campaign", "list"): ("welcome-back  第 1 版",),
        ("campaign", "preferences", str(tmp_path / "told.jsonl")): ("0 组对比来自检查",),
        ("model", "list"): ("画像",),
        ("model", "show", "profiles"): ("类型      画像", "\n设置\n", "\n文件\n"),
    }.items():
        told = run(*command, *where)
        for one in words:
            assert one in told, (command, told)
    run_id = run("campaign", "list", *where).splitlines()[1].split()[0]
    assert run("campaign", "deliver", run_id, *where).startswith("已发 ")
    assert "没有死信" in run("campaign", "dead", run_id, *where)
    assert "条回报，策略学了其中" in run("campaign", "learn", run_id, *where)
    assert "（在 zhanggui.toml 的 [model] 中指定）" in run("evaluate", run_id, *where)
    key = run("key", "create", "page", *where).split("_")[1]
    assert "有效               page" in run("key", "list", *where)
    assert f"{key} 已停用" in run("key", "revoke", key, *where)
    assert "  已停用 2" in run("key", "list", *where)


def test_corpora_are_told_of_in_chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHANGGUI_LANGUAGE", "zh")
    texts = ["明前龙井，清香回甘，电话 13812345678", "青瓷茶杯，温润如玉", "手工竹篮，轻巧结实", "蓝染围巾，越洗越柔"]
    (tmp_path / "texts.txt").write_text("\n".join([*texts, texts[0]]), encoding="utf-8")
    told = run("corpus", "build", str(tmp_path / "texts.txt"), "--out", str(tmp_path / "out"))
    for words in (
        "里有 4 条文本：训练 2，验证 1，测试 1",
        "去除：完全重复 1；拒收：0 行",
        "已遮盖的个人信息：",
        "提示：",
        "请看 ",
    ):
        assert words in told


def test_the_language_is_that_of_the_option_of_the_environment_of_the_shop_or_english(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, nobody = ("-C", str(shop)), ("suppress", "a@b.example", "-C", str(shop))
    monkeypatch.setenv("ZHANGGUI_LANGUAGE", "en")
    assert run("check", *where).startswith("shop ")
    assert "已禁发" in run(*nobody, "--language", "zh")
    assert run("check", *where).startswith("shop "), "the option of one command is not that of the next"
    monkeypatch.setenv("ZHANGGUI_LANGUAGE", "")
    assert run("check", *where).startswith("店铺 ")
    assert "already" in run(*nobody, "--language", "en")
    assert "to serve" in run("model", "pull"), "no shop is open"
    assert "en or zh" in run(*nobody, "--language", "de", code=2)
    monkeypatch.setenv("ZHANGGUI_LANGUAGE", "de")
    assert "ZHANGGUI_LANGUAGE: en or zh" in run("check", *where, code=2)


def test_a_new_shop_speaks_the_language_that_it_was_made_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZHANGGUI_LANGUAGE")
    for asked, made, checked in (([], "已建好", "店铺"), (["--language", "en"], "look through it", "shop")):
        folder = str(tmp_path / checked)
        assert made in run("init", folder, *asked)
        assert run("check", "-C", folder).startswith(f"{checked} ")
    run("init", str(tmp_path / "other"), "--language", "de", code=2)
    assert not (tmp_path / "other").exists()
