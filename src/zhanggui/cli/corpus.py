"""`zhanggui corpus`: texts in, a clean, split and annotated corpus with its data card out."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zhanggui.cli.output import ShopOption, Stages, either, language_named, opened, say, settings

if TYPE_CHECKING:
    from zhanggui.catalog.product import Language
    from zhanggui.corpus.document import Document
    from zhanggui.storage import RejectFile

app = typer.Typer(no_args_is_help=True, help="Make a corpus to train on.")

_STAGES = {
    "read": "读取", "duplicates": "查重", "leaks": "查泄漏", "rules": "规则", "language model": "语言模型", "keywords": "关键词", "topics": "主题",
    "classifier of label": "类别分类器", "classifier of sentiment": "情感分类器", "classifier of topic": "主题分类器",
}  # fmt: skip
_CHINESE = {
    "train": "训练", "validation": "验证", "test": "测试", "too_short": "过短", "exact_duplicates": "完全重复", "near_duplicates": "近似重复",
    "leaks": "泄漏", "keyword": "关键词", "topic": "主题", "sentiment": "情感", "emotion": "情绪", "selling_point": "卖点", "attribute": "覆盖的属性",
    "label": "类别", "rule": "规则", "classifier": "分类器", "texts": "文本", "accuracy": "准确率", "macro_f1": "宏平均 F1",
    "commonest_class": "最大类占比", "calibration_error": "校准误差", "decided": "有判断的占比", "accuracy_where_decided": "有判断时的准确率",
}  # fmt: skip


@app.callback()
def _root() -> None:
    """Make a corpus to train on."""


@app.command()
def build(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="CSV, TSV, JSONL, JSON, TXT or Parquet files; product feeds with --catalog."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the corpus.")] = Path("corpus"),
    text: Annotated[str, typer.Option("--text", help="Column of the text.")] = "text",
    group: Annotated[str, typer.Option("--group", help="Column of what it is about; never divided by the split.")] = "",
    label: Annotated[str, typer.Option("--label", help="Column of its class.")] = "",
    topic: Annotated[str, typer.Option("--topic", help="Column of its topic, such as a category.")] = "",
    attributes: Annotated[
        str, typer.Option("--attributes", help="Column of facts: an object, or name#value*name#value.")
    ] = "",
    identity: Annotated[str, typer.Option("--id", help="Column of its id.")] = "",
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep", help="Column that stays beside the text, such as the prompt that it answers; repeatable."
        ),
    ] = None,
    catalog: Annotated[
        bool, typer.Option("--catalog", help="Titles and descriptions of products: of the feeds, or else of the shop.")
    ] = False,
    shop: ShopOption = Path(),
    language: Annotated[
        str, typer.Option("--language", help="Of titles and descriptions in feeds that name none: en or zh.")
    ] = "en",
    licence: Annotated[str, typer.Option("--licence", help="Licence of the texts, for the data card.")] = "",
    seed: Annotated[int, typer.Option("--seed", help="Fixes the split.")] = 7,
) -> None:
    """Clean, mask personal data, drop duplicates, split 8:1:1, write a data card. Bad rows go to rejects.jsonl."""
    from zhanggui.corpus import build as builder
    from zhanggui.corpus.read import Columns, FileRead

    if not files and not catalog:
        raise typer.BadParameter("name a file, or --catalog for the products of the shop", param_hint="FILES")
    written = language_named(language)
    with Stages(_STAGES) as progress:
        if catalog:
            read = [FileRead(name=one.name, encoding="feed") for one in files or []] or [
                FileRead(name="catalogue", encoding="-")
            ]
            documents = _products(files or [], shop, written, read)
            made = builder.build_from(documents, out, files=read, seed=seed, licence=licence, progress=progress)
        else:
            columns = Columns(
                text=text,
                group=group,
                label=label,
                topic=topic,
                attributes=attributes,
                id=identity,
                keep=tuple(keep or ()),
            )
            made = builder.build(files or [], columns, out, seed=seed, licence=licence, progress=progress)
    card = made.card
    texts, sizes, dropped = f"{card['texts']:,}", _counts(card["parts"]), _counts(card["dropped"])
    say(f"{texts} texts in {out}: {sizes}", f"{out} 里有 {texts} 条文本：{sizes}")
    say(
        f"dropped: {dropped or 'none'}; refused: {card['rejected']['rows']:,} rows",
        f"去除：{dropped or '无'}；拒收：{card['rejected']['rows']:,} 行",
    )
    masked = _counts(card["personal_data_masked"])
    say(f"personal data masked: {masked or 'none'}", f"已遮盖的个人信息：{masked or '无'}")
    for note in card["notes"]:
        say(f"note: {note}", f"提示：{note}")
    then = f"zhanggui corpus annotate {out}"
    say(f"Look at {out / 'card.md'}, then: {then}", f"请看 {out / 'card.md'}，然后运行：{then}")


@app.command()
def annotate(
    folder: Annotated[Path, typer.Argument(help="A folder made by corpus build.")],
    topics: Annotated[int, typer.Option("--topics", help="Topics to find, where the texts bring none; 0: none.")] = 12,
    language_model: Annotated[
        int, typer.Option("--language-model", help="Texts that the shop's language model reads too.")
    ] = 0,
    shop: ShopOption = Path(),
    seed: Annotated[int, typer.Option("--seed", help="Fixes topics and classifiers.")] = 7,
) -> None:
    """Annotate each text: keywords, topic, sentiment, emotion, selling points, attributes. Samples go to samples.html."""
    from zhanggui.corpus.annotate import annotate_folder

    model = _model(shop) if language_model else None
    with Stages(_STAGES) as progress:
        card = annotate_folder(
            folder, topic_count=topics, seed=seed, model=model, model_texts=language_model, progress=progress
        )
    for kind, found in card["annotations"].items():
        count, share = f"{found['count']:,}", f"{found['share_of_texts']:.1%}"
        say(f"{kind}: {count} on {share} of texts", f"{_CHINESE.get(kind, kind)}：{count} 个，见于 {share} 的文本")
        for source, figures in found.get("measured", {}).items():
            counts = _counts(figures)
            say(f"  {source} on validation: {counts}", f"  {_CHINESE.get(source, source)}在验证集上：{counts}")
    say(f"Check by eye: {folder / 'samples.html'}", f"请抽查：{folder / 'samples.html'}")


def _products(
    feeds: list[Path], shop: Path, language: "Language", read: "list[Any]"
) -> "Callable[[RejectFile], Iterable[Document]]":
    """The products of feeds, or of the shop where there are none, as documents."""
    from zhanggui.corpus.products import documents

    def found(rejects: "RejectFile") -> "Iterator[Document]":
        sources = (_feed(one, language, rejects) for one in feeds) if feeds else [_stored(shop)]
        for rows, file in zip(sources, read, strict=True):
            for one in documents(rows, source=file.name):
                file.texts += 1
                yield one

    return found


def _feed(path: Path, language: "Language", rejects: "RejectFile") -> Iterator[Mapping[str, Any]]:
    from zhanggui.catalog.document import to_data
    from zhanggui.catalog.feed import read_feed
    from zhanggui.catalog.product import Product
    from zhanggui.catalog.row import Siblings

    # Prices are not read into the corpus; a feed that names no currency needs one all the same.
    for one in read_feed(path, rejects=rejects, currency="CNY" if language == "zh" else "USD", language=language):
        product = one.product if isinstance(one, Siblings) else one
        if isinstance(product, Product):
            yield to_data(product)


def _stored(shop: Path) -> Iterator[Mapping[str, Any]]:
    from zhanggui.catalog import store
    from zhanggui.catalog.document import to_data

    with opened(shop) as engine, engine.database.reading() as connection:
        for one in store.every(connection):
            yield to_data(one)


def _model(shop: Path) -> Any:
    from zhanggui.errors import ConfigError
    from zhanggui.storage import plugins

    chosen = settings(shop).model
    if not chosen.type:
        raise ConfigError(f"{shop} names no language model; write [model] in its zhanggui.toml")
    return plugins.make("zhanggui.models", chosen.type, chosen.options)


def _counts(figures: Mapping[str, Any]) -> str:
    told = {name: value for name, value in figures.items() if value}
    return either(
        ", ".join(f"{name} {value:,}" for name, value in told.items()),
        "，".join(f"{_CHINESE.get(name, name)} {value:,}" for name, value in told.items()),
    )
