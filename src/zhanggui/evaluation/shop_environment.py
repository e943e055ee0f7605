"""The shop's own dialogues as an environment: simulated shoppers, tracked as the assistant tracks them, acts and their worth.

What is seen is what the assistant's policy sees when it serves (`conversation.act.contexts`). Knows no sentence and no
optimiser. E dialogues, N products, V values, A aspects.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhanggui.conversation.act import PATIENCE, contexts
from zhanggui.conversation.belief import aspect_entropies, likeliest
from zhanggui.conversation.learned_act import RECOMMEND, features
from zhanggui.evaluation.environment import Observation, Step
from zhanggui.evaluation.shop_world import CATEGORY, ShopWorld
from zhanggui.evaluation.shopper import INDIFFERENT, UNKNOWN, Habits, Rows, Shoppers

CANDIDATES, SHOWN = 100, 3
"""As the assistant: so many of the products found are weighed, so many are shown at once."""
WATCHED = 20
"""Turns after which a dialogue that goes on is no longer watched."""


@dataclass(frozen=True, kw_only=True)
class Worth:
    """What a dialogue earns."""

    success: float = 1.0
    """Of a product bought, and more by its price:"""
    value: float = 0.25
    """times its price over the shop's median, which counts four times at most."""
    turn: float = -0.02
    refusal: float = -0.05
    """Of products shown in vain."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Happening:
    """What became of each dialogue in one step: (E,) each."""

    bought: NDArray[np.int64]
    """The product, -1 for none."""
    turns: NDArray[np.int64]
    over: NDArray[np.bool_]


class ShopEnvironment:
    """`Environment` over a shop's products. `heard`, where given, is told what happened after each step."""

    def __init__(
        self,
        world: ShopWorld,
        *,
        dialogues: int = 64,
        habits: Habits | None = None,
        worth: Worth | None = None,
        rng: np.random.Generator,
        heard: Callable[[Happening], None] = lambda _happening: None,
    ) -> None:
        self.world, self._worth, self._rng, self._heard = world, worth or Worth(), rng, heard
        self._shoppers = Shoppers(world, dialogues, habits=habits or Habits(), rng=rng)
        self._rows = np.arange(dialogues)
        self._of_aspect = world.aspects[:, None] == np.arange(len(world.aspect_names))
        self._median = float(np.median(world.prices)) or 1.0
        self._wanted, self._unwanted = np.zeros((2, dialogues, len(world.aspects)), dtype=np.bool_)
        self._asked, self._refused = np.zeros((2, dialogues, len(world.aspect_names)), dtype=np.bool_)
        self._shown = np.zeros((dialogues, len(world.prices)), dtype=np.bool_)
        self._price_max = np.full(dialogues, np.inf)
        self._turns = np.zeros(dialogues, dtype=np.int64)
        self._open(self._rows)
        self._look()

    def observe(self) -> Observation:
        """The states to act in now."""
        return self._seen

    def step(self, acts: NDArray[np.int64]) -> Step:
        """Show products or ask in each dialogue; the shopper answers, and may leave."""
        self._turns += 1
        bought, in_vain = np.full(len(acts), -1), np.zeros(len(acts), dtype=np.bool_)
        shows, asks = self._rows[acts == RECOMMEND], self._rows[acts != RECOMMEND]
        bought[shows] = self._show(shows)
        in_vain[shows] = bought[shows] < 0
        self._ask(asks[~self._shoppers.ask_back(asks)], acts)
        changed, values = self._shoppers.change_minds(self._rows[bought < 0])
        self._hear(changed[values != UNKNOWN], values[values != UNKNOWN])
        ended = (bought >= 0) | self._shoppers.leave(self._rows)
        cut_off = ~ended & (self._turns >= WATCHED)
        price = np.where(bought >= 0, self.world.prices[bought], 0.0) / self._median
        worth = self._worth
        rewards = (
            (bought >= 0) * worth.success + worth.value * np.minimum(price, 4.0) + worth.turn + worth.refusal * in_vain
        )
        self._heard(Happening(bought=bought, turns=self._turns.copy(), over=ended | cut_off))
        reached = None
        if cut_off.any():
            self._look()
            reached = self._seen
        over = np.flatnonzero(ended | cut_off)
        self._shoppers.begin(over)
        self._open(over)
        self._look()
        return Step(rewards=rewards.astype(np.float32), ended=ended, cut_off=cut_off, reached=reached or self._seen)

    def _open(self, rows: Rows) -> None:
        self._unwanted[rows] = self._asked[rows] = self._refused[rows] = self._shown[rows] = False
        self._turns[rows] = 0
        self._wanted[rows], self._price_max[rows] = self._shoppers.open(rows)

    def _ask(self, rows: Rows, acts: NDArray[np.int64]) -> None:
        aspects = self._questions[rows, acts[rows] - 1]
        said = self._shoppers.answer(rows, aspects)
        self._asked[rows, aspects] = True
        nothing = (said == UNKNOWN) | (said == INDIFFERENT)
        self._refused[rows[nothing], aspects[nothing]] = True
        self._hear(rows[~nothing], said[~nothing])

    def _show(self, rows: Rows) -> Rows:
        """Put the likeliest products before the shoppers; what each buys, -1 for nothing."""
        beliefs = self._beliefs[rows]
        lists = likeliest(beliefs, SHOWN)
        lists = np.where(np.take_along_axis(beliefs, lists, axis=1) > 0, lists, -1)
        bought = self._shoppers.take(rows, lists)
        there = lists >= 0
        self._shown[np.repeat(rows, SHOWN)[there.ravel()], lists[there]] = True
        vain, lists = rows[bought < 0], lists[bought < 0]
        unwanted, dear = self._shoppers.object_to(vain, lists)
        self._unwanted[vain] |= unwanted
        self._wanted[vain] &= ~unwanted
        cheapest = np.where(lists >= 0, self.world.prices[lists], np.inf).min(axis=1)
        self._price_max[vain[dear]] = np.minimum(self._price_max[vain], cheapest - 0.01)[dear]
        return bought

    def _hear(self, rows: Rows, values: NDArray[np.int64]) -> None:
        """Note a value that each names: it replaces what was wanted of its aspect."""
        of_aspect = self._of_aspect[:, self.world.aspects[values]].T
        self._wanted[rows] &= ~of_aspect
        self._wanted[rows, values] = True
        self._unwanted[rows, values] = False

    def _look(self) -> None:
        """Weigh the products that the search would find, and say what may be asked of them."""
        holds = self.world.holds
        lacks = self._wanted.astype(np.float32) @ ~holds.T + self._unwanted.astype(np.float32) @ holds.T
        dear = self.world.prices > self._price_max[:, None]
        given_up = (lacks + dear).astype(np.int64)
        found = given_up == given_up.min(axis=1, keepdims=True)  # the search gives up as little as it can
        fresh = found & ~self._shown
        found = np.where(fresh.any(axis=1, keepdims=True), fresh, found)
        found &= found.cumsum(axis=1) <= CANDIDATES
        self._beliefs = found / found.sum(axis=1, keepdims=True)
        knows_kind = (self._wanted & (self.world.aspects == CATEGORY)).any(axis=1)
        settled = self._asked | self._refused | (self._wanted.astype(np.float32) @ self._of_aspect > 0)
        bits = aspect_entropies(self._beliefs, holds, self.world.aspects)
        first = np.arange(bits.shape[1]) == CATEGORY
        may_ask = ~settled & (bits > 1e-9) & (first | (knows_kind | settled[:, CATEGORY])[:, None])
        count = found.sum(axis=1)
        left = np.where(~knows_kind | (count > SHOWN), PATIENCE - self._asked.sum(axis=1), 0)
        seen = contexts(
            self._beliefs,
            left,
            np.column_stack([np.zeros(len(bits)), bits]),
            turns=self._turns + 1,
            asked=self._asked.sum(axis=1),
            refused=self._refused.sum(axis=1),
            shown=self._shown.sum(axis=1),
        )
        read, legal, order = features(seen, np.column_stack([np.ones(len(bits), dtype=np.bool_), may_ask]))
        self._seen = Observation(features=read, legal=legal)
        self._questions = order - 1
