"""Success and turns of asking or recommending on public data: multi-interest, multi-round conversational recommendation.

    python benchmarks/crs.py --data FOLDER/lastfm --policy belief [--part valid] [--test FILE] [--noise 0 .1 .25] [--seeds 5]

FOLDER holds `item_attributes.json`, `attribute_aspects.json`, `user_items_train.json` and `user_items_valid.json`, each
{id: [ids]}, plain or `.xz`; `target_sets_train.json` {user: [[item, ...], ...]} too, where `--part train` is asked for.
FILE has the shape of either: of items of a user each is a target, with a random item of that user that shares an attribute
(perhaps itself) as the second. The item model learns from `user_items_train.json` alone. `--policy learned` (extra `train`)
learns from `user_items_valid.json`, without the users it is measured on unless FILE is given, a policy a seed, and prints the
other policies on the same dialogues beside it. A seed also draws target sets and answers; intervals are Student's, over seeds.
"""

import argparse
import json
import lzma
import sys
from pathlib import Path

import numpy as np
from scipy import sparse, stats
from scipy.sparse.linalg import svds

from zhanggui.conversation.belief import SHOWN, believe, time_to_recommend
from zhanggui.evaluation.attribute_dialogue import (
    RECOMMEND,
    Outcome,
    Policy,
    State,
    Wishes,
    World,
    average_turns,
    hdcg,
    simulate,
    success_rate,
)

BATCH = 250
"""Dialogues held at once."""
LEARNED_FROM = 2_000
"""Target sets that a policy learns from."""


def read(path: Path) -> dict[int, list]:
    """The file, or the file with `.xz` behind its name, with ids as numbers."""
    packed = path if path.suffix == ".xz" else path.with_name(f"{path.name}.xz")
    if not path.exists() and not packed.exists():
        raise SystemExit(f"{path} is not there, nor {packed.name}: name the folder of the data set with --data")
    text = lzma.decompress(packed.read_bytes()).decode() if packed.exists() else path.read_text(encoding="utf-8")
    return {int(key): value for key, value in json.loads(text).items()}


def pairs(lists: dict[int, list[int]], shape: tuple[int, int]) -> sparse.csr_array:
    """{row: columns} as a matrix of ones."""
    rows = np.repeat(list(lists), [len(columns) for columns in lists.values()])
    columns = np.concatenate([np.array(row, dtype=np.int64) for row in lists.values()])
    matrix = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
    matrix.data[:] = 1
    return matrix


def read_world(folder: Path) -> World:
    """Items, attributes, and their aspects; attributes of none make one more aspect."""
    items, aspects = read(folder / "item_attributes.json"), read(folder / "attribute_aspects.json")
    attributes = 1 + max(max(aspects), *(max(row, default=0) for row in items.values()))
    other = 1 + max(max(row, default=0) for row in aspects.values())
    belongs = np.zeros((attributes, other + 1), dtype=bool)
    for attribute in range(attributes):
        belongs[attribute, aspects.get(attribute) or [other]] = True
    return World(holds=pairs(items, (max(items) + 1, attributes)), aspects=belongs)


def draw_targets(
    world: World, lists: dict[int, list], sets: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(E,) users and (E, 2) targets; one target is written twice."""
    users, targets = [], []
    for user, wanted in lists.items():
        items = [item for item in wanted if isinstance(item, int)]
        shared = (world.holds[items] @ world.holds[items].T).toarray() > 0 if items else np.zeros((0, 0), dtype=bool)
        partners = [items[rng.choice(np.flatnonzero(row))] for row in shared]
        for pair in list(zip(items, partners, strict=True)) or wanted:
            users.append(user)
            targets.append((pair[0], pair[-1]))
    chosen = rng.permutation(len(users))[:sets]
    return np.array(users)[chosen], np.array(targets)[chosen]


def draw_openings(world: World, targets: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(E,) an attribute that all targets of a dialogue share."""
    common = [np.intersect1d(world.holds[[first]].indices, world.holds[[second]].indices) for first, second in targets]
    return np.array([rng.choice(attributes) for attributes in common])


class ItemModel:
    """Ranks the items for a user: EASE over users and attributes, and likeness to what the user has, by equal halves.

    EASE (Steck 2019) by its closed form: with P = (Y'Y + λ)^-1 the score is 1 - P / diag(P); of Y, which has a row for
    each user and each attribute (weighed), the 256 largest singular values, so that 18,000 items take seconds. An
    item's probability falls with its rank r in the sum of both, as 1 / (100 + r); what the user has is last.
    """

    def __init__(self, world: World, likes: sparse.csr_array, *, weight: float = 3.0, ridge: float = 100.0) -> None:
        self.likes = likes
        rarity = np.log(world.holds.shape[0] / np.maximum(world.holds.sum(axis=0), 1))
        content = world.holds.multiply(rarity[None, :]).tocsr()
        lengths = np.sqrt(content.multiply(content).sum(axis=1))
        self.content = content.multiply(1 / np.maximum(lengths, 1e-9)[:, None]).tocsr()
        rows = sparse.vstack([likes, weight * self.content.T]).tocsc()
        _, singular, self.factors = svds(rows, k=min(256, min(rows.shape) - 1), random_state=0)
        self.shrunk = singular**2 / (singular**2 + ridge)
        self.diagonal = 1 - self.shrunk @ self.factors**2

    def scores(self, users: np.ndarray) -> np.ndarray:
        """(E, N) logarithms of probabilities, up to a constant."""
        liked = self.likes[users]
        collaborative = ((liked @ self.factors.T) * self.shrunk) @ self.factors / self.diagonal
        alike = (liked @ self.content @ self.content.T).toarray()
        both = sum((part - part.mean(axis=1, keepdims=True)) / (part.std(axis=1, keepdims=True) + 1e-9)
                   for part in (collaborative, alike))  # fmt: skip
        both = np.where(liked.toarray() > 0, -np.inf, both)
        ranks = np.argsort(np.argsort(-both, axis=1, kind="stable"), axis=1)
        return -np.log(100.0 + ranks)


def over_pool(state: State) -> np.ndarray:
    """The item model's probabilities of the items that every answer allows."""
    weights = np.exp(state.scores - state.scores.max(axis=1, keepdims=True)) * state.pool
    return weights / weights.sum(axis=1, keepdims=True)


def always(_world: World, state: State, _rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Recommend at every turn."""
    return over_pool(state), np.full(len(state.pool), RECOMMEND)


def max_entropy(_world: World, state: State, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Ask; recommend with probability 10 / items left."""
    return over_pool(state), np.where(rng.random(len(state.pool)) < SHOWN / state.pool.sum(axis=1), RECOMMEND, 1)


def belief(world: World, state: State, _rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The belief rule; only what the customer opened with is certain."""
    beliefs = believe(
        state.scores,
        world.holds,
        accepted=state.accepted,
        rejected=state.rejected,
        refused=state.refused | ~state.opened,
    )
    return beliefs, np.where(time_to_recommend(beliefs, state.actions_left), RECOMMEND, 1)


POLICIES = {"always": always, "max_entropy": max_entropy, "belief": belief}
MEASURES = ("SR@5", "SR@10", "SR@15", "AT", "hDCG")


def customers(
    world: World, model: ItemModel | None, lists: dict[int, list], sets: int, rng: np.random.Generator
) -> tuple[np.ndarray, Wishes]:
    """(E,) users and what they wish, drawn from these lists, with the item model's scores; ties are broken at random."""
    users, targets = draw_targets(world, lists, sets, rng)
    openings = draw_openings(world, targets, rng)
    scores = rng.random((len(users), world.holds.shape[0]), dtype=np.float32) * np.float32(1e-6)
    if model:
        for start in range(0, len(users), BATCH):
            scores[start : start + BATCH] += model.scores(users[start : start + BATCH])
    return users, Wishes(targets=targets, opening=openings, scores=scores)


def measured(world: World, wishes: Wishes, policy: Policy, *, wrong: float, unsure: float, seed: int) -> np.ndarray:
    """The five measures of a policy with these customers."""
    answers = np.random.default_rng(seed)
    outcomes = []
    for start in range(0, len(wishes.targets), BATCH):
        rows = slice(start, start + BATCH)
        some = Wishes(targets=wishes.targets[rows], opening=wishes.opening[rows], scores=wishes.scores[rows])
        outcomes.append(simulate(world, some, policy, wrong=wrong, unsure=unsure, rng=answers))
    outcome = Outcome(
        action=np.concatenate([part.action for part in outcomes]),
        rank=np.concatenate([part.rank for part in outcomes]),
    )
    rates = [success_rate(outcome, within) for within in (5, 10, 15)]
    return np.array([*rates, average_turns(outcome), hdcg(outcome)])


def printed(figures: np.ndarray) -> str:
    """Means over seeds (seeds, 5), with half of a 95% interval where there are several."""
    means, seeds = figures.mean(axis=0), len(figures)
    if seeds == 1:
        return "  ".join(f"{mean:6.3f}" for mean in means)
    halves = stats.t.ppf(0.975, seeds - 1) * figures.std(axis=0, ddof=1) / seeds**0.5
    return "  ".join(f"{mean:6.3f} ±{half:.3f}" for mean, half in zip(means, halves, strict=True))


def main() -> None:
    """Print a row for each share of wrong answers, and one for answers that are not known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--policy", choices=[*POLICIES, "learned"], required=True)
    parser.add_argument("--part", choices=["valid", "train"], default="valid")
    parser.add_argument("--test", type=Path)
    parser.add_argument("--noise", type=float, nargs="+", default=[0.0, 0.1, 0.25])
    parser.add_argument("--unsure", type=float, default=0.2, help='share of "don\'t know" in the last row')
    parser.add_argument("--sets", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, help="default: 5 where a policy is learned, else 1")
    parser.add_argument("--steps", type=int, help="acts to learn from")
    parser.add_argument("--item-model", choices=["ease", "none"], default="ease")
    asked = parser.parse_args()

    learns = asked.policy == "learned"
    part = {"valid": "user_items_valid.json", "train": "target_sets_train.json"}[asked.part]
    world, lists = read_world(asked.data), read(asked.test or asked.data / part)
    learned_from = read(asked.data / "user_items_valid.json") if learns else {}
    items = read(asked.data / "user_items_train.json")
    likes = pairs(items, (max(*items, *lists, *learned_from) + 1, world.holds.shape[0]))
    model = ItemModel(world, likes) if asked.item_model == "ease" else None
    seeds = range(asked.seed, asked.seed + (asked.seeds or (5 if learns else 1)))
    noise = [*((wrong, 0.0) for wrong in asked.noise), (0.0, asked.unsure)]
    figures: dict[tuple[str, tuple[float, float]], list[np.ndarray]] = {}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        users, wishes = customers(world, model, lists, asked.sets, rng)
        policies = dict(POLICIES) if learns else {asked.policy: POLICIES[asked.policy]}
        if learns:
            from crs_learned import learned

            held_out = set() if asked.test else set(users.tolist())
            others = {user: wanted for user, wanted in learned_from.items() if user not in held_out}
            _, teaching = customers(world, model, others, LEARNED_FROM, rng)
            policies["learned"] = learned(world, teaching, noise=noise, seed=seed, steps=asked.steps)
        for name, policy in policies.items():
            for wrong, unsure in noise:
                row = measured(world, wishes, policy, wrong=wrong, unsure=unsure, seed=seed + 1)
                figures.setdefault((name, (wrong, unsure)), []).append(row)
                print(f"seed {seed} {name} {wrong} {unsure}: {printed(row[None])}", file=sys.stderr, flush=True)

    print(f"{asked.data.name}, {asked.test or asked.part}: {asked.sets} target sets, {len(seeds)} seeds")
    print(f"policy       wrong  unsure  {'  '.join(MEASURES)}")
    for (name, (wrong, unsure)), rows in figures.items():
        print(f"{name:<11}  {wrong:<5}  {unsure:<6}  {printed(np.array(rows))}")
    for level in noise if learns else ():
        ahead = np.array(figures["learned", level]) - np.array(figures["belief", level])
        print(f"learned less belief  {level[0]:<5}  {level[1]:<6}  {printed(ahead)}")


if __name__ == "__main__":
    main()
