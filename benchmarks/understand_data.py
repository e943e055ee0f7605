"""Public data sets of intents and slots as labelled utterances: CLINC150, SMP2019 (ECDT), BIO text, MG-ShopDial.

    python benchmarks/understand_data.py clinc150|smp2019|bio|mgshopdial FILE OUT.jsonl

writes a file that `zhanggui train understand --data` reads; of CLINC150 its training part, or `--part val`.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zhanggui.conversation.understand.labelled import Labelled
from zhanggui.conversation.understanding import Slot, Utterance

OUT_OF_SCOPE = "oos"


def clinc150(path: Path, part: str = "train") -> list[Labelled]:
    """The utterances of a part, such as "train", "val", "oos_val"."""
    rows = json.loads(path.read_text(encoding="utf-8"))[part]
    return [Labelled(utterance=Utterance(text=text, language="en"), intents=(intent,)) for text, intent in rows]


def smp2019(path: Path) -> list[Labelled]:
    """Domain and intent together are the intent; a slot's span is the first place of its value that no other has."""
    return [_smp_row(row) for row in json.loads(path.read_text(encoding="utf-8"))]


def _smp_row(row: dict[str, Any]) -> Labelled:
    text, slots = row["text"], []
    taken: set[int] = set()
    # Long values first, so that one inside another does not take its place.
    for name, value in sorted(row["slots"].items(), key=lambda item: -len(item[1])):
        start = text.find(value)
        while start >= 0 and taken & set(range(start, start + len(value))):
            start = text.find(value, start + 1)
        if start >= 0 and value:
            taken |= set(range(start, start + len(value)))
            slots.append(Slot(name=name, value=value, start=start, end=start + len(value)))
    slots.sort(key=lambda slot: slot.start)
    intent = f"{row['domain']}:{row['intent']}"
    return Labelled(utterance=Utterance(text=text, language="zh"), intents=(intent,), slots=tuple(slots))


def bio(path: Path) -> list[Labelled]:
    """Lines of a sign and its tag, a blank line between texts; no intent."""
    return [
        _bio_row([line.rsplit(" ", 1) for line in block.split("\n") if line.strip()])
        for block in path.read_text(encoding="utf-8").replace("\r", "").split("\n\n")
        if block.strip()
    ]


def _bio_row(pairs: Sequence[Sequence[str]]) -> Labelled:
    text, slots, at = "", [], 0
    name, start = "", 0
    for sign, tag in [*pairs, ["", "O"]]:
        if name and tag != f"I-{name}":
            slots.append(Slot(name=name, value=text[start:at], start=start, end=at))
            name = ""
        if tag[:2] in ("B-", "I-") and not name:
            name, start = tag[2:], at
        text += sign
        at += len(sign)
    return Labelled(utterance=Utterance(text=text, language="zh"), intents=("title",), slots=tuple(slots))


def mgshopdial(path: Path) -> list[list[Labelled]]:
    """Dialogues; an utterance begins with who speaks, its intents are those that any annotator saw."""
    dialogues = json.loads(path.read_text(encoding="utf-8"))
    return [
        [
            Labelled(
                utterance=Utterance(text=f"{turn['participant']}: {turn['utterance']}", language="en"),
                intents=tuple(intent for intent, _ in turn["intents"]),
            )
            for turn in dialogue["utterances"]
            if turn["intents"] and turn["utterance"].strip()
        ]
        for dialogue in dialogues
    ]


def main() -> None:
    """Write one data set as JSON Lines."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("clinc150", "smp2019", "bio", "mgshopdial"))
    parser.add_argument("file", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--part", default="train", help="of CLINC150")
    asked = parser.parse_args()
    if asked.kind == "clinc150":
        rows = clinc150(asked.file, asked.part)
    elif asked.kind == "mgshopdial":
        rows = [row for dialogue in mgshopdial(asked.file) for row in dialogue]
    else:
        rows = {"smp2019": smp2019, "bio": bio}[asked.kind](asked.file)
    with asked.out.open("w", encoding="utf-8") as file:
        for row in rows:
            utterance = {"text": row.utterance.text, "language": row.utterance.language}
            slots = [asdict(slot) for slot in row.slots]
            file.write(json.dumps({**utterance, "intents": row.intents, "slots": slots}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
