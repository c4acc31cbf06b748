"""Rows of handmade runs, as a race leaves them."""

from __future__ import annotations

from gfopt.analysis.pairs import compare_rows
from gfopt.report.summary import summarise
from tests.record_factory import missed, record

TEN = range(1, 11)
SLOW = [100.0 + 3 * seed for seed in TEN]
FAST = [50.0 + seed * seed / 10 for seed in TEN]  # about half, no two ratios alike


def row(label, costs, seeds=None, **more):
    """A run a seed: as many epochs as costs, a pass each way and a tenth of a second an epoch.

    None stands for a run that missed.
    """
    made = []
    for seed, cost in zip(seeds or range(1, len(costs) + 1), costs, strict=True):
        kind, cost = (record, cost) if cost is not None else (missed, 1000.0)
        values = {"label": label, "optimizer": label, "seed": seed, "epochs": float(cost)}
        values |= {"seconds": cost / 10, "forward_passes": cost, "backward_passes": cost}
        made.append(kind(**(values | more)))
    return made


def pairs(*rows):
    """The comparisons of these rows."""
    return compare_rows(list(rows))


def notes(*rows):
    """All sentences under the table of these rows."""
    return summarise([run for runs in rows for run in runs]).notes


def note(words, *rows):
    """The one note with these words in it; None if there is none."""
    found = [sentence for sentence in notes(*rows) if words in sentence]
    assert len(found) <= 1, found
    return found[0] if found else None
