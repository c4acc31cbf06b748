"""Passes of single samples: partial ones by their share of the multiply-adds."""

from __future__ import annotations

import pytest
import torch

from gfopt.engine.tally import Tally
from gfopt.optimizers import optimizers
from tests.tiny import Tiny

CAT = (12288, 20, 7, 5, 1)


def products(widths):
    return [n * m for n, m in zip(widths[1:], widths, strict=False)]


def test_an_epoch_of_position_wise_on_cat_costs_what_the_shares_say():
    tally = Tally(CAT, 209)
    tally.forward(1, 209, 1, None)
    for lowest in (4, 3, 2, 1):
        tally.backward(1, 209, lowest)
        if lowest > 1:
            tally.forward(1, 209, lowest, None)
    assert tally.forward_passes / 209 == pytest.approx(1.000915, abs=5e-7)
    assert tally.backward_passes / 209 == pytest.approx(1.001097, abs=5e-7)


def test_a_full_epoch_counts_one_pass_each_way():
    tiny = Tiny()
    tally = Tally(tiny.widths, tiny.problem.samples, seeds=2)
    problem = tiny.problem.with_watcher(tally)
    params = tiny.initial_weights((1, 2))
    problem.gradient(params, problem.forward(params))
    assert (tally.forward_passes, tally.backward_passes) == (24, 24)


def test_backward_counts_the_products_that_a_multiplying_oracle_counts():
    """Count multiply-adds of the two products per layer, as autograd's graph would do them."""
    widths = (6, 5, 4, 3)
    for last in (1, 2, 3):
        madds = sum(products(widths)[last - 1 :]) + sum(products(widths)[last:])
        full = 2 * sum(products(widths)) - widths[0] * widths[1]
        tally = Tally(widths, 10)
        tally.backward(1, 10, last)
        assert tally.backward_passes == pytest.approx(10 * madds / full)


def test_members_of_a_population_count_each():
    tally = Tally((3, 2), 5, seeds=2)
    tally.forward(14, 5, 1, None)
    assert tally.forward_passes == 7 * 5


def test_passes_of_an_optimizer_that_reads_the_inputs_are_not_counted():
    tiny = Tiny()
    tally = Tally(tiny.widths, 24)
    _ = tiny.problem.with_watcher(tally).x
    assert tally.forward_passes is None


def test_mini_batches_count_by_their_samples():
    tiny = Tiny()
    tally = Tally(tiny.widths, 24)
    part = tiny.problem.with_watcher(tally).on(torch.arange(6)[None])
    state = optimizers["gradient_descent"]().init(part, tiny.initial_weights((1,)), tiny.draw((1,)))
    part.gradient(state, part.forward(state))
    assert (tally.forward_passes, tally.backward_passes) == (6, 6)
