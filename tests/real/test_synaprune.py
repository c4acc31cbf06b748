"""An epoch of SynaPrune on MNIST: every variant loads, runs and is counted, whatever it learns."""

from __future__ import annotations

import math

import pytest

import gfopt

pytestmark = [pytest.mark.data, pytest.mark.long]


def test_every_entry_of_the_mnist_config_runs_an_epoch_and_counts_its_passes(real_data, tmp_path):
    settings = ["budget.epochs=1"]
    result = gfopt.run(
        "synaprune_mnist", out=tmp_path, data=real_data, offline=True, settings=settings
    )
    passes = {r.label: r.forward_passes for r in result.records}
    times = {label: 5 if "experimental" in label else 1 for label in passes}
    assert len(passes) == 7
    assert passes == {label: pytest.approx(60000 * n) for label, n in times.items()}
    assert all(r.backward_passes == 0 for r in result.records)
    assert all(math.isfinite(r.loss) and 0 <= r.valid_accuracy <= 1 for r in result.records)
