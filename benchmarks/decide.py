"""Decisions per second for 100,000 customers x 50 candidates: ours, MABWiser and Vowpal Wabbit, in one process.

    pip install mabwiser vowpalwabbit && python benchmarks/decide.py [--customers N]

All choose for the same customers. MABWiser logs no propensity and takes no eligibility; Vowpal Wabbit learns linear
costs and explores evenly.
"""

import argparse
import time

import numpy as np

from zhanggui.policies import LinearThompsonPolicy, ThompsonPolicy

ARMS, WIDTH = 50, 16


def ours(policy: object, contexts: np.ndarray, eligible: np.ndarray, uniforms: np.ndarray) -> float:
    """Decisions per second, propensities included; the policy has learned from every arm."""
    actions = [str(arm) for arm in range(ARMS)]
    first = policy.select(contexts, actions, eligible=eligible, uniforms=uniforms)
    policy.update(contexts, first, np.random.default_rng(1).random(len(contexts)))
    started = time.perf_counter()
    policy.select(contexts, actions, eligible=eligible, uniforms=uniforms)
    return len(contexts) / (time.perf_counter() - started)


def mabwiser(contexts: np.ndarray) -> float:
    """LinTS, the same shape of problem."""
    from mabwiser.mab import MAB, LearningPolicy

    rng = np.random.default_rng(2)
    bandit = MAB(arms=list(range(ARMS)), learning_policy=LearningPolicy.LinTS(alpha=0.5), n_jobs=-1)
    bandit.fit(rng.integers(0, ARMS, len(contexts)), rng.random(len(contexts)), contexts)
    started = time.perf_counter()
    bandit.predict(contexts)
    return len(contexts) / (time.perf_counter() - started)


def vowpal(contexts: np.ndarray) -> float:
    """Contextual bandit with one action a class: --cb_explore with softmax-like probabilities of every action."""
    from vowpalwabbit import Workspace

    model = Workspace(f"--cb_explore {ARMS} --epsilon 0.05 --quiet")
    lines = ["| " + " ".join(f"f{i}:{value:.4f}" for i, value in enumerate(row)) for row in contexts]
    for arm, line in enumerate(lines[: 20 * ARMS]):
        model.learn(f"{arm % ARMS + 1}:0.5:0.02 {line}")
    started = time.perf_counter()
    for line in lines:
        model.predict(line)
    return len(contexts) / (time.perf_counter() - started)


def main() -> None:
    """Print every rate and the ratio to ours."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=100_000)
    asked = parser.parse_args()
    rng = np.random.default_rng(0)
    contexts = rng.normal(size=(asked.customers, WIDTH))
    eligible = rng.random((200, ARMS))[rng.integers(0, 200, asked.customers)] < 0.8
    uniforms = rng.random(asked.customers)
    linear = ours(LinearThompsonPolicy(), contexts, eligible, uniforms)
    beta = ours(ThompsonPolicy(), contexts, eligible, uniforms)
    print(f"zhanggui linear Thompson    {linear:>10,.0f} decisions/s")
    print(f"zhanggui Beta Thompson      {beta:>10,.0f} decisions/s")
    for name, other in (("MABWiser LinTS", mabwiser), ("Vowpal Wabbit cb_explore", vowpal)):
        try:
            rate = other(contexts)
        except ImportError as error:
            print(f"{name:<27} not installed: {error}")
            continue
        print(f"{name:<27} {rate:>10,.0f} decisions/s; ours (linear) is {linear / rate:.1f}x")


if __name__ == "__main__":
    main()
