"""`zhanggui model …`: the models of a shop: which there are, which one writes, downloads, exports."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zhanggui.cli.output import (
    JsonOption,
    ShopOption,
    either,
    errors,
    padded,
    say,
    settings,
    show,
    show_json,
    training_libraries,
)
from zhanggui.errors import ArtifactError, ModelError

if TYPE_CHECKING:
    from zhanggui.storage import Artifact, ArtifactStore

app = typer.Typer(no_args_is_help=True, help="Models: list, show, use, pull, export, generate, classify.")

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME[:VERSION]", help="Of an artifact; without version the newest.")
]
StoreOption = Annotated[Path | None, typer.Option("--store", help="Folder of the artifacts; default: the shop's own.")]
BaseOption = Annotated[
    str | None, typer.Option("--base", help="Base of an adapter, where it is not the one that the artifact names.")
]
_KINDS = {
    "adapter": "适配器", "decoder": "解码器", "encoder": "编码器", "encoder-decoder": "编码器-解码器",
    "policy": "策略", "profiles": "画像", "copies": "文案",
}  # fmt: skip
_FIGURES = ("after", "validation", "test")


@app.command("list")
def list_models(shop: ShopOption = Path(), store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Every artifact: name, version, kind, size, when it was made, key figures; * marks the model in use."""
    from zhanggui.storage.artifacts import describe
    from zhanggui.training.kept import kind_of

    kept, used = store_of(shop, store), _in_use(shop)
    found = [(one, _is_used(one, used)) for name in kept.names() for one in kept.versions(name)]
    if as_json:
        show_json([describe(one) | {"kind": kind_of(one), "size": _size(one), "in_use": mark} for one, mark in found])
        return
    rows = [
        ("*" if mark else " ", one.name, one.version, _kind(kind_of(one)), _bytes(_size(one)), one.created_at[:16], _key(one.metrics))
        for one, mark in found
    ]  # fmt: skip
    for line in _columns(rows):
        show(line)
    if not rows:
        say(
            f"nothing is in {kept.root} yet; `zhanggui train` makes models",
            f"{kept.root} 里还没有模型；用 `zhanggui train` 训练",
        )


@app.command("show")
def show_model(
    name: NameArgument, shop: ShopOption = Path(), store: StoreOption = None, as_json: JsonOption = False
) -> None:
    """The manifest of an artifact: how it came to be, what it measured, what it holds."""
    from zhanggui.storage.artifacts import describe
    from zhanggui.training.kept import kind_of

    found = artifact_named(name, store_of(shop, store))
    if as_json:
        show_json(describe(found) | {"kind": kind_of(found)})
        return
    head = {
        either("name", "名称"): found.name,
        either("version", "版本"): found.version,
        either("kind", "类型"): _kind(kind_of(found)),
        either("path", "位置"): found.path,
        either("created", "创建时间"): found.created_at,
        either("made by", "由谁生成"): f"zhanggui {found.code_version}",
        either("data", "数据"): found.data_hash,
    }
    sizes = {
        file: _bytes(path.stat().st_size) if (path := found.path / file).is_file() else either("missing", "缺失")
        for file in found.files
    }
    for line in _columns([(key, str(value)) for key, value in head.items()]):
        show(line)
    for title, values in (
        (either("config", "设置"), _flat(found.config)),
        (either("metrics", "指标"), _flat(found.metrics)),
        (either("files", "文件"), sizes),
    ):
        show(f"\n{title}")
        for line in _columns([(f"  {key}", str(value)) for key, value in values.items()]):
            show(line)


@app.command()
def use(
    name: NameArgument,
    shop: ShopOption = Path(),
    store: StoreOption = None,
    languages: Annotated[
        str | None,
        typer.Option("--languages", help="Those that it writes well enough: en, zh or en,zh; default: as before."),
    ] = None,
    base: BaseOption = None,
) -> None:
    """Let a trained or pulled model write: its name goes into the shop's zhanggui.toml; everything else there stays."""
    from zhanggui.config import choose_model
    from zhanggui.llm import hub
    from zhanggui.training.kept import serving

    models = _models(shop)
    kept = store_of(shop, store)
    known = next((one for one in hub.MODELS.values() if one.name.lower() == name.lower() and one.file), None)
    wanted = tuple(languages.split(",")) if languages else ()
    if known is not None and name not in kept.names():
        if not hub.target(known, models).is_file():
            raise ModelError(f"{known.name} is not in {models} yet; run: zhanggui model pull {known.name} -C {shop}")
        options = {"path": str(hub.target(known, models).resolve())}
        wanted = wanted or known.languages
    else:
        found = artifact_named(name, kept)
        with training_libraries():
            options = serving(found, models, base=base)
    path = choose_model(shop, options, languages=wanted)
    chosen = ", ".join(f"{key} = {value}" for key, value in options.items())
    say(f"{path}: model.options = {chosen}", f"已写入 {path}：model.options = {chosen}")
    say(
        "Look at what it writes: zhanggui write CUSTOMER --campaign NAME",
        "看看它写的文案：zhanggui write 顾客编号 --campaign 活动名",
    )


@app.command()
def pull(
    name: Annotated[str | None, typer.Argument(help="Of the list; without it the list is shown.")] = None,
    shop: ShopOption = Path(),
    out: Annotated[Path | None, typer.Option("--out", help="Folder; default: data/models of the shop.")] = None,
) -> None:
    """Download a good model from the Hugging Face hub, or the mirror that HF_ENDPOINT names; a cut download goes on."""
    from zhanggui.llm import hub

    if name is None:
        rows = [
            (one.name, f"{one.gigabytes:g} GB", ", ".join(one.languages),
             either("to serve", "可上线") if one.file else either("to train on", "供训练"), one.licence)
            for one in hub.MODELS.values()
        ]  # fmt: skip
        for line in _columns(rows):
            show(line)
        return
    model = hub.find(name)
    folder = out if out is not None else _models(shop)
    with _transfer() as progress:
        place = hub.pull(model, folder, progress=progress)
    show(f"{place} ({model.licence})")
    if not model.file:
        base = f'base = "{place.resolve()}"'
        say(f"Train on it: {base}", f"用它训练：{base}")
    else:
        line = f'[model] options = {{ path = "{place.resolve()}" }}'
        way = f"zhanggui model use {model.name} -C {shop}" if out is None else line
        say(f"Let it write: {way}", f"让它来写：{way}")


@app.command()
def export(
    name: NameArgument,
    to: Annotated[
        str, typer.Option("--to", help="gguf (decoders, adapters merged with their base) or onnx (encoders).")
    ],
    out: Annotated[Path, typer.Option("--out", help="The GGUF file, or a new folder for ONNX.")],
    precision: Annotated[
        str | None, typer.Option("--type", help="gguf: F16 (default) or Q8_0; onnx: fp32 (default) or int8.")
    ] = None,
    shop: ShopOption = Path(),
    store: StoreOption = None,
    base: BaseOption = None,
) -> None:
    """Write a trained model in the format of llama.cpp and Ollama (GGUF) or of onnxruntime."""
    from zhanggui.training.kept import to_gguf, to_onnx

    if to not in ("gguf", "onnx"):
        raise typer.BadParameter("gguf or onnx", param_hint="--to")
    found = artifact_named(name, store_of(shop, store))
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        training_libraries(),
        errors.status(either(f"exporting {found.name} {found.version}", f"正在导出 {found.name} {found.version}")),
    ):
        if to == "gguf":
            size = to_gguf(found, out, precision=precision or "F16", base=base)
        else:
            size = to_onnx(found, out, precision=precision or "fp32")
    show(f"{out}: {_bytes(size)}")


def store_of(shop: Path, store: Path | None) -> "ArtifactStore":
    """The artifacts in `store`, or else the shop's own."""
    from zhanggui.storage import ArtifactStore

    return ArtifactStore(store if store is not None else shop / settings(shop).storage.folder / "artifacts")


def _models(shop: Path) -> Path:
    """Where a shop keeps what it pulled and exported."""
    return shop / settings(shop).storage.folder / "models"


def artifact_named(name: str, store: "ArtifactStore") -> "Artifact":
    """The artifact NAME or NAME:VERSION. Raises ArtifactError saying which there are."""
    plain, _, version = name.partition(":")
    if plain not in store.names():
        known = ", ".join(store.names()) or "nothing"
        raise ArtifactError(f"there is no {plain} in {store.root}; there is {known} (another folder: --store)")
    return store.get(plain, version or "latest")


def _in_use(shop: Path) -> tuple[Path | None, set[Path]]:
    """(the shop's folder of models, the files that its settings name); (None, none) outside a shop."""
    from zhanggui.config import FILE

    if not (shop / FILE).exists():
        return None, set()
    options = settings(shop).model.options
    return _models(shop), {Path(str(options[key])).resolve() for key in ("path", "adapter") if options.get(key)}


def _is_used(artifact: "Artifact", used: tuple[Path | None, set[Path]]) -> bool:
    from zhanggui.training.kept import exported

    models, files = used
    return any(
        one.is_relative_to(artifact.path.resolve()) or (models and one == exported(artifact, models).resolve())
        for one in files
    )


@contextmanager
def _transfer() -> Iterator[Any]:
    """Progress in bytes, one bar a file."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    tasks: dict[str, Any] = {}
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors) as bar:

        def tell(file: str, done: int, size: int) -> None:
            if file not in tasks:
                tasks[file] = bar.add_task(file, total=size)
            bar.update(tasks[file], completed=done)

        yield tell


def _kind(name: str) -> str:
    return either(name, _KINDS.get(name, name))


def _size(artifact: "Artifact") -> int:
    return sum(path.stat().st_size for name in artifact.files if (path := artifact.path / name).is_file())


def _bytes(size: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"


def _key(metrics: Mapping[str, Any]) -> str:
    """The first figures of what was measured last."""
    found = next((metrics[name] for name in _FIGURES if isinstance(metrics.get(name), Mapping)), metrics)
    figures = [f"{key} {value:.4g}" for key, value in found.items() if isinstance(value, int | float)]
    return ", ".join(figures[:3])


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = f"{value:.6g}" if isinstance(value, float) else value
    return found


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows as lines, each column as wide as its longest cell."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
