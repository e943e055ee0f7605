"""Simulated shoppers with hidden goals, many at once: what they want, what they answer, what they buy, when they leave.

They speak in acts: values of aspects, a product taken, a wish for something else. Knows no sentence and no assistant.
E shoppers, N products, V values, A aspects.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhanggui.evaluation.shop_world import CATEGORY, ShopWorld

UNKNOWN, INDIFFERENT = -1, -2
"""Answers that are no value: "I don't know", "I don't mind"."""
Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How often shoppers do what. Every share is a chance."""

    wrong: Sequence[float] = (0.0, 0.1, 0.25)
    """Of an answer that is not what they want; each shopper has one of these."""
    unsure: float = 0.1
    """Of "I don't know"."""
    must: float = 0.4
    """Of a value of the product in mind without which nothing is bought."""
    nice: float = 0.4
    """Of a value that is liked, but not needed."""
    names_kind: float = 0.85
    """Of opening with the kind of thing."""
    names_value: float = 0.25
    """Of opening with a value that is needed."""
    ceiling: float = 0.7
    """Of a highest price."""
    tells_ceiling: float = 0.3
    """Of opening with it."""
    changes_mind: float = 0.03
    """A turn."""
    own_question: float = 0.08
    """A turn, of asking about delivery or returns instead of answering."""
    objects: float = 0.5
    """Of saying what is wrong with products that are not taken."""
    leaves: float = 0.02
    """A turn, with nothing to complain of."""
    leaves_bored: float = 0.04
    """More, for each question past the third, each that does not matter and each list in vain."""


class Shoppers:
    """E shoppers; each row may begin anew as somebody else."""

    def __init__(self, world: ShopWorld, count: int, *, habits: Habits, rng: np.random.Generator) -> None:
        self.world, self.habits, self._rng = world, habits, rng
        values, products = world.holds.shape[1], len(world.prices)
        self.must, self.nice = np.zeros((2, count, values), dtype=np.bool_)
        self.fit = np.zeros((count, products), dtype=np.bool_)
        self.ceiling, self._wrong, self._sensitivity, self._bored = np.zeros((4, count))
        self._questions = np.zeros(count, dtype=np.int64)
        self.begin(np.arange(count))

    def begin(self, rows: Rows) -> None:
        """Let other shoppers come, each with a product of the shop in mind."""
        self._wrong[rows] = self._rng.choice(np.array(self.habits.wrong), len(rows))
        self._sensitivity[rows] = self._rng.exponential(1.0, len(rows))
        self._bored[rows] = self._questions[rows] = 0
        self._want(rows, self._rng.integers(0, len(self.world.prices), len(rows)))

    def _want(self, rows: Rows, products: Rows) -> None:
        """Set goals drawn from these products: what is needed, what is liked, the highest price, and what would do."""
        habits, held = self.habits, self.world.holds[products]
        drawn = self._rng.random(held.shape)
        kind = self.world.aspects == CATEGORY
        self.must[rows] = held & (kind | (drawn < habits.must))
        self.nice[rows] = held & ~self.must[rows] & (drawn < habits.must + habits.nice)
        above = self.world.prices[products] * (1 + self._rng.exponential(0.3, len(rows)))
        self.ceiling[rows] = np.where(self._rng.random(len(rows)) < habits.ceiling, above, np.inf)
        lacks = self.must[rows].astype(np.float64) @ ~self.world.holds.T
        self.fit[rows] = (lacks == 0) & (self.world.prices <= self.ceiling[rows, None])

    def open(self, rows: Rows) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """What the first sentence names: values (rows, V), and the highest price (rows,), infinite where none is named."""
        kind = self.world.aspects == CATEGORY
        drawn = self._rng.random((len(rows), 2))
        named = self.must[rows] & np.where(
            kind,
            drawn[:, :1] < self.habits.names_kind,
            self._rng.random(self.must[rows].shape) < self.habits.names_value,
        )
        told = drawn[:, 1] < self.habits.tells_ceiling
        return named, np.where(told, self.ceiling[rows], np.inf)

    def answer(self, rows: Rows, aspects: Rows) -> Rows:
        """The value that each names when asked about an aspect, UNKNOWN or INDIFFERENT."""
        self._questions[rows] += 1
        of_aspect = self.world.aspects == aspects[:, None]
        wants = (self.must[rows] | self.nice[rows]) & of_aspect
        minds = wants.any(axis=1)
        errs = self._rng.random(len(rows)) < self._wrong[rows]
        drawn = self._rng.random(of_aspect.shape)
        said = np.where(errs[:, None], of_aspect & ~wants, wants) * drawn
        value = np.where(said.any(axis=1), said.argmax(axis=1), UNKNOWN)
        unsure = (self._rng.random(len(rows)) < self.habits.unsure) & (aspects != CATEGORY)
        self._bored[rows] += (self._questions[rows] > 3).astype(np.float64) + ~minds
        return np.where(~minds, INDIFFERENT, np.where(unsure, UNKNOWN, value))

    def take(self, rows: Rows, shown: Rows) -> Rows:
        """The product that each takes of those shown (rows, k), -1 where none; -1 stands for no product in `shown`, too.

        A choice by utility: what is liked counts for, a price near the ceiling against, and taking nothing has a share of
        its own. Only what fits is taken.
        """
        there = shown >= 0
        liked = np.einsum("rkv,rv->rk", self.world.holds[shown].astype(np.float64), self.nice[rows].astype(np.float64))
        share = liked / np.maximum(self.nice[rows].sum(axis=1, keepdims=True), 1)
        dear = self.world.prices[shown] / self.ceiling[rows, None]
        utility = 1.0 + 2.0 * share - self._sensitivity[rows, None] * dear
        fits = there & np.take_along_axis(self.fit[rows], np.maximum(shown, 0), axis=1)
        weights = np.column_stack([np.exp(utility) * fits, np.ones(len(rows))])
        drawn = self._rng.random((len(rows), 1)) * weights.sum(axis=1, keepdims=True)
        chosen = (weights.cumsum(axis=1) <= drawn).sum(axis=1)
        taken = np.take_along_axis(np.column_stack([shown, np.full(len(rows), -1)]), chosen[:, None], axis=1)[:, 0]
        self._bored[rows] += taken < 0
        return taken

    def object_to(self, rows: Rows, shown: Rows) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """What is wrong with products that were not taken: values not wanted (rows, V), at most one each, and too dear."""
        speaks = self._rng.random(len(rows)) < self.habits.objects
        there = shown >= 0
        dear = (there & (self.world.prices[shown] > self.ceiling[rows, None])).any(axis=1) & speaks
        held = (self.world.holds[shown] & there[..., None]).any(axis=1)
        of_aspect = self.world.aspects[:, None] == np.arange(len(self.world.aspect_names))
        matters = (self.must[rows].astype(np.float32) @ of_aspect > 0)[:, self.world.aspects]
        unwanted = held & matters & ~self.must[rows] & (speaks & ~dear)[:, None]
        first = unwanted & (unwanted.cumsum(axis=1) == 1)
        return first, dear

    def change_minds(self, rows: Rows) -> tuple[Rows, Rows]:
        """Some now want another product of the same kind: who, and a value that each then names; UNKNOWN where none is new."""
        changed = rows[self._rng.random(len(rows)) < self.habits.changes_mind]
        kind = self.world.aspects == CATEGORY
        before = self.must[changed]
        same_kind = (before & kind).astype(np.float64) @ self.world.holds.T > 0
        self._want(changed, (same_kind * self._rng.random(same_kind.shape)).argmax(axis=1))
        new = self.must[changed] & ~before & ~kind
        return changed, np.where(new.any(axis=1), new.argmax(axis=1), UNKNOWN)

    def ask_back(self, rows: Rows) -> NDArray[np.bool_]:
        """Who asks something about delivery or returns in place of an answer: (rows,)."""
        return self._rng.random(len(rows)) < self.habits.own_question

    def leave(self, rows: Rows) -> NDArray[np.bool_]:
        """Who has had enough: (rows,)."""
        chance = self.habits.leaves + self.habits.leaves_bored * self._bored[rows]
        return self._rng.random(len(rows)) < chance
