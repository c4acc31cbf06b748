"""How often the intervals enclose what they should, in simulated rows whose truth is known.

Intervals promise 95 %. Coverage must be at least 93 % from six runs on, and at most 97 % of a
hundred. The standard error of 2000 rows is 0.5 %. The quick tests simulate fewer rows, and allow
for two standard errors of those.
"""

import math

import numpy as np
import pytest

from gfopt.analysis.statistics import Estimate, compare, expected_running_time, median, success_rate
from gfopt.analysis.statistics.intervals import mean, studentized_interval

from .samples import drawn

nightly = pytest.mark.nightly
FEW = 100  # rows of a quick test


def share(truth, estimates):
    """The share of the intervals that enclose the truth."""
    known = [found for found in estimates if found.lo is not None]
    return sum(found.lo <= truth <= found.hi for found in known) / len(known)


def kept(coverage, n, rows, most=0.97):
    """Whether intervals of n runs keep their promise, in so many simulated rows."""
    sampling = 2 * math.sqrt(0.95 * 0.05 / rows) if rows == FEW else 0.0
    return coverage >= 0.93 - sampling and (n < 100 or coverage <= most)


def never(rng, size):
    return np.full(size, 1e9)


def horizon(beyond):
    """One budget, beyond which a share of exponential costs of mean 1 lies."""
    return lambda rng, size: np.full(size, -math.log(beyond))


def at_random(mean):
    return lambda rng, size: rng.exponential(mean, size)


def followed(rng, truth, ended):
    """Costs of one row that ends where its costs or its budgets do."""
    return drawn(np.minimum(truth, ended), truth <= ended)


@pytest.mark.parametrize(
    ("n", "rows"),
    [(6, 1500), pytest.param(20, 1500, marks=nightly), pytest.param(100, 10_000, marks=nightly)],
)
@pytest.mark.parametrize(
    "budget",
    [never, horizon(0.2), horizon(0.4), at_random(2), at_random(1)],
    ids=["no misses", "20 % beyond", "40 % beyond", "a third at random", "half at random"],
)
def test_of_the_median(n, rows, budget):
    rng = np.random.default_rng(n)
    truths, budgets = rng.exponential(1, (rows, n)), budget(rng, (rows, n))
    found = [median(followed(rng, *pair)) for pair in zip(truths, budgets, strict=True)]
    assert kept(share(math.log(2), found), n, rows)


@pytest.mark.parametrize("n", [6, pytest.param(100, marks=nightly)])
def test_of_the_median_where_some_runs_diverge(n):
    """30 % never reach the target, wherever they stop; the others may run out of budget."""
    rng, found = np.random.default_rng(n), []
    for _ in range(1000):
        truth, budget = rng.exponential(1, n), rng.uniform(0, 6, n)
        row = followed(rng, truth, budget)
        lost = rng.random(n) < 0.3
        reached = tuple((np.array(row.reached) & ~lost).tolist())
        found.append(median(type(row)(row.spent, reached, tuple(lost.tolist()))))
    assert kept(share(-math.log(1 - 0.5 / 0.7), found), n, 1000)


@pytest.mark.parametrize(("n", "p"), [(6, 0.5), (10, 0.7), (20, 0.8), (100, 0.5), (100, 0.8)])
def test_of_the_success_rate_exactly(n, p):
    """Wilson's interval for every count, weighted with the binomial; its mean is 95 %, not each."""
    total = 0.0
    for count in range(n + 1):
        found = success_rate(drawn(np.ones(n), np.arange(n) < count))
        total += (
            (found.lo <= p <= found.hi) * math.comb(n, count) * p**count * (1 - p) ** (n - count)
        )
    assert 0.9 <= total <= 0.98


LOGS = {
    "log-normal": (lambda rng, size: rng.normal(0.2, 0.5, size), 0.2),
    "skewed": (lambda rng, size: rng.exponential(1, size), 1.0),
    "skewed the other way": (lambda rng, size: np.log(rng.exponential(1, size)), -np.euler_gamma),
    "heavy-tailed": (lambda rng, size: rng.standard_t(3, size), 0.0),
}


@pytest.mark.parametrize(
    ("n", "rows"),
    [(6, FEW), pytest.param(6, 1200, marks=nightly), pytest.param(100, 3000, marks=nightly)],
)
@pytest.mark.parametrize("kind", LOGS)
def test_of_the_geometric_mean_of_ratios(n, rows, kind):
    """On the scale of logarithms; at n = 6 skewed ones are covered in 93.9 % (12000 rows)."""
    draw, truth = LOGS[kind]
    logs = draw(np.random.default_rng(n + 1), (rows, n))
    found = [Estimate(row.mean(), *studentized_interval(row[None], mean)) for row in logs]
    assert kept(share(truth, found), n, rows)


def test_the_geometric_mean_has_the_interval_of_its_logarithms():
    logs, got = np.random.default_rng(0).normal(0, 1, 9), np.ones(9, dtype=bool)
    found = compare(drawn(np.exp(logs), got), drawn(np.ones(9), got)).ratio_mean
    expected_limits = np.exp(studentized_interval(logs[None], mean))
    assert found == pytest.approx((math.exp(logs.mean()), *expected_limits))


@pytest.mark.parametrize(
    ("n", "rows"),
    [(6, FEW), pytest.param(6, 300, marks=nightly), pytest.param(100, 2000, marks=nightly)],
)
@pytest.mark.parametrize("budget", [math.inf, 2.0], ids=["no misses", "a fifth of the runs miss"])
def test_of_the_median_of_ratios(n, rows, budget):
    """b costs 1.3 times a in the median; if both miss, the interval may only be too wide."""
    rng, found = np.random.default_rng(n), []
    for _ in range(rows):
        level = rng.normal(0, 0.5, n)  # hard seeds are hard for both
        a = np.exp(level + rng.normal(0, 0.5, n))
        b = 1.3 * np.exp(level + rng.normal(0, 0.5, n))
        pair = (drawn(np.minimum(cost, min(budget, 1e9)), cost <= budget) for cost in (a, b))
        found.append(compare(*pair).ratio_median)
    assert kept(share(1 / 1.3, found), n, rows, most=0.97 if budget == math.inf else 1)


def running_times(rng, n, chance, factor):
    """Log-normal costs; a share of the runs misses and costs `factor` times what reaching does."""
    cost, missed = np.exp(rng.normal(0, 0.6, n)), rng.random(n) < chance
    return drawn(np.where(missed, factor * math.exp(0.18), cost), ~missed)


def covered(n, chance, factor, rows):
    rng = np.random.default_rng(n)
    truth = math.exp(0.18) * (1 + factor * chance / (1 - chance))
    return [
        (row, share(truth, [found]))
        for row in (running_times(rng, n, chance, factor) for _ in range(rows))
        if (found := expected_running_time(row)).lo is not None
    ]


QUICK = [(6, 0, FEW), (6, 0.5, FEW)]
FULL = [(6, 0, 600), (6, 0.5, 600), (20, 0.3, 600), (100, 0, 1000), (100, 0.5, 1000)]


@pytest.mark.parametrize(
    ("n", "chance", "count"), [*QUICK, *(pytest.param(*case, marks=nightly) for case in FULL)]
)
def test_of_the_expected_running_time(n, chance, count):
    rows = covered(n, chance, 3, count)
    assert kept(sum(held for _, held in rows) / len(rows), n, count)


@pytest.mark.parametrize(
    ("n", "chance", "count"),
    [
        (6, 0.2, 150),
        pytest.param(6, 0.2, 600, marks=nightly),
        pytest.param(20, 0.1, 600, marks=nightly),
    ],
)
def test_the_expected_running_time_falls_short_only_by_misses_that_were_not_seen(n, chance, count):
    rows = covered(n, chance, 3, count)
    unseen = sum(all(row.reached) for row, _ in rows) / len(rows)
    coverage = sum(held for _, held in rows) / len(rows)
    assert unseen == pytest.approx((1 - chance) ** n, abs=0.05)
    assert 0.93 - unseen <= coverage < 0.93
