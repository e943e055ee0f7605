"""`zhanggui model generate`: a trained model's answers to the rows of a file."""

import json
from pathlib import Path
from typing import Annotated

import typer

from zhanggui.cli.model import BaseOption, NameArgument, artifact_named
from zhanggui.cli.output import either, progress, say, training_libraries


def generate(
    name: NameArgument,
    file: Annotated[Path, typer.Argument(help="JSONL of what to answer, with the fields that it was trained on.")],
    out: Annotated[Path, typer.Option("--out", help="JSONL to write: prompt, reference (if any), prediction.")],
    store: Annotated[Path, typer.Option("--store", help="Folder of the artifacts.")] = Path("artifacts"),
    base: BaseOption = None,
    held_out: Annotated[bool, typer.Option("--held-out", help="Only rows that training held out.")] = False,
    most: Annotated[int | None, typer.Option("--most", min=1, help="At most so many rows, from the first on.")] = None,
    candidates: Annotated[
        int,
        typer.Option("--candidates", min=1, help="Samples a row; the one that agrees most with the others is kept."),
    ] = 1,
    temperature: Annotated[
        float, typer.Option("--temperature", min=0, help="Of sampling; 0: always the likeliest.")
    ] = 0.0,
    beams: Annotated[
        int, typer.Option("--beams", min=1, help="Of an encoder-decoder (T5, BART) at temperature 0: beam search.")
    ] = 1,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Longest answer.")] = 256,
    seed: Annotated[int, typer.Option("--seed", help="Of sampling.")] = 7,
    bulk: Annotated[
        bool,
        typer.Option(
            "--bulk",
            help="Through transformers, 128 texts at once, not as it is served: for thousands of rows, or a GPU.",
        ),
    ] = False,
) -> None:
    """Answer each row of a file with a trained decoder, adapter or encoder-decoder, in the prompts that it was trained on."""
    from zhanggui.llm.local import LocalModel
    from zhanggui.llm.model import Sampling
    from zhanggui.storage import ArtifactStore
    from zhanggui.training import generate as generation
    from zhanggui.training.generate_decoder import generate as generate_decoder
    from zhanggui.training.generate_seq2seq import generate as generate_seq2seq
    from zhanggui.training.kept import kind_of, opened, serving

    artifact = artifact_named(name, ArtifactStore(store))
    pairs = generation.read(file, artifact.config, held_out=held_out)[:most]
    asked = (artifact.config.get("columns") or {}).get("prompt", "prompt")
    sampling = Sampling(max_tokens=max_tokens, temperature=temperature, seed=seed)
    if kind_of(artifact) == "encoder-decoder":
        cut = int(artifact.config["max_tokens"])
        with training_libraries():
            texts = generate_seq2seq(artifact.path / "model", pairs, candidates=candidates, beams=beams, sampling=sampling, max_tokens=cut)  # fmt: skip
    elif beams > 1:
        raise typer.BadParameter("only an encoder-decoder is searched by beams", param_hint="--beams")
    elif bulk:
        with training_libraries():
            texts = generate_decoder(*opened(artifact, base=base), pairs, candidates=candidates, sampling=sampling)
    else:
        options = serving(artifact, store / ".served", base=base)
        model = LocalModel(options.get("path"), adapter=options.get("adapter"), context=2 * max_tokens + 512)
        texts = generation.generate(model, pairs, candidates=candidates, sampling=sampling)
    with out.open("w", encoding="utf-8") as written, progress(either("texts", "文本"), len(pairs)) as advance:
        for pair, text in zip(pairs, texts, strict=True):
            reference = {"reference": pair.answer} if pair.answer else {}
            row = {asked: pair.prompt[-1]["content"], **reference, "prediction": text}  # an empty text is one, too
            written.write(json.dumps(row, ensure_ascii=False) + "\n")
            advance(1)
    one = f"{artifact.name} {artifact.version}"
    say(f"{len(pairs)} texts of {one}: {out}", f"{one} 写了 {len(pairs)} 条：{out}")
