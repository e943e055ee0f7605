"""A fine-tuned copywriter beside plain SmolLM2 on briefs that neither was trained on: candidates that pass, distinct-2.

    python benchmarks/copywriter.py [--adapter artifacts/copywriter/VERSION/adapter.gguf --prompt product] [--candidates 3] [--show 10]

Plain SmolLM2 is asked in two ways: with the shipped prompt of examples, and with the bare brief.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

from zhanggui.content.brief import Brief
from zhanggui.content.copywriter import with_copywriter
from zhanggui.content.prompt import Style, request_for
from zhanggui.content.select_variant import examine
from zhanggui.content.settings import ContentSettings
from zhanggui.evaluation.diversity import distinct
from zhanggui.llm.local import LocalModel
from zhanggui.llm.model import Sampling

SHIPPED = with_copywriter({})["adapter"]
SITUATIONS = (
    ("email", "warm", "new", ""), ("sms", "plain", "", "15% off"), ("push", "playful", "loyal", ""), ("onsite", "elegant", "", ""),
    ("email", "plain", "lapsed", "20% off"), ("sms", "warm", "active", ""), ("email", "elegant", "loyal", "10% off"), ("push", "plain", "at_risk", ""),
)  # fmt: skip


def briefs() -> list[Brief]:
    """50 categories and 50 products with facts, each in two situations."""
    things = [json.loads(line) for line in (Path(__file__).parent / "briefs-en.jsonl").read_text("utf-8").splitlines()]
    return [
        Brief(language="en", channel=channel, tone=tone, stage=stage, about=one["about"], product=tuple(one["facts"].items()),
              offer_title=offer, discount=offer)
        for number, one in enumerate(things)
        for channel, tone, stage, offer in (SITUATIONS[number % 8], SITUATIONS[(number + 3) % 8])
    ]  # fmt: skip


def main() -> None:
    """Print each side's figures and some texts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--candidates", type=int, default=3)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument(
        "--adapter", default=SHIPPED, help="a GGUF adapter made by zhanggui train finetune; default: the shipped one"
    )
    parser.add_argument("--prompt", choices=("product", "brief"), default="product", help="as the adapter was trained")
    parser.add_argument("--temperature", type=float, default=ContentSettings().temperature)
    asked = parser.parse_args()
    made = briefs()
    data = Path(__file__).parents[1] / "data" / "copywriter"
    trained = {
        json.loads(line)["about"].lower() for file in data.glob("en*/*.jsonl") for line in file.read_text().splitlines()
    }
    made = [one for one in made if one.about.lower() not in trained]
    print(f"{len(made)} briefs whose product or category is in no training pair, {asked.candidates} candidates each")
    sampling = Sampling(max_tokens=60, temperature=asked.temperature, seed=7)
    sides: tuple[tuple[str, str, Style], ...] = (
        ("fine-tuned copywriter", asked.adapter, asked.prompt),
        ("plain, prompt of examples", "", "examples"),
        ("plain, bare brief", "", "brief"),
    )
    for name, adapter, style in sides:
        model = LocalModel(adapter=adapter)
        answers = model.generate(
            [request_for(one, candidates=asked.candidates, style=style) for one in made], sampling=sampling
        )
        examined = [
            examine(text, brief, exemptions=())
            for brief, answer in zip(made, answers, strict=True)
            for text in answer.texts
        ]
        passed = [one for one in examined if not one.reasons]
        reasons = Counter(reason for one in examined for reason in one.reasons).most_common(6)
        print(
            f"{name:<26} passed {len(passed) / len(examined):6.1%} of {len(examined)}   distinct-2 {distinct([one.text for one in examined], 2):.3f}"
            f"   prompt tokens {sum(one.prompt_tokens for one in answers) / len(answers):.0f}   refused for {dict(reasons)}",
            flush=True,
        )
        for number in range(0, len(made), max(1, len(made) // asked.show) if asked.show else len(made) + 1):
            if asked.show:
                print(
                    f"    {made[number].about} ({made[number].tone}, {made[number].stage or 'anyone'}): {answers[number].texts[0]!r}"
                )


if __name__ == "__main__":
    main()
