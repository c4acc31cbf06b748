"""Random search against a loop over its members, and what it promises of the best so far."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gfopt.engine.tally import Tally
from gfopt.model.state import parameters
from gfopt.numerics.streams import fresh_seed
from gfopt.optimizers import optimizers
from tests.tiny import Tiny

OPTIMIZER = optimizers["random_search"]


def begin(tiny, seeds=(3, 1), members=7):
    optimizer = OPTIMIZER(members=members)
    return optimizer, optimizer.init(tiny.problem, tiny.initial_weights(seeds), tiny.draw(seeds))


def advance(optimizer, problem, state, steps=1):
    with torch.no_grad():
        for _ in range(steps):
            state = optimizer.step(problem, state, None)
    return state


def by_brute_force(tiny, seed, steps, members):
    """The best of all draws, one forward pass each, and its loss."""
    loss_of = lambda p: float(tiny.problem.losses(tiny.problem.forward(p)))  # noqa: E731
    best = tiny.initial_weights((seed,))
    lowest = loss_of(best)
    for step in range(steps):
        drawn = tiny.fresh(fresh_seed(seed, step), members)
        for m in range(members):
            member = {key: p[m : m + 1] for key, p in drawn.items()}
            if loss_of(member) < lowest:
                best, lowest = member, loss_of(member)
    return best, lowest


@pytest.mark.parametrize("steps", [1, 2, 9])
def test_the_winner_is_that_of_a_loop_over_all_members(tiny, steps):
    optimizer, state = begin(tiny)
    state = advance(optimizer, tiny.problem, state, steps)
    for r, seed in enumerate((3, 1)):
        best, lowest = by_brute_force(tiny, seed, steps, 7)
        assert all(torch.equal(state[key][r], p[0]) for key, p in best.items())
        assert float(state["loss"][r]) == pytest.approx(lowest, rel=1e-12)


def test_steps_draw_different_members(tiny):
    seeds = {fresh_seed(seed, step) for seed in (3, 1) for step in range(50)}
    drawn = [tiny.fresh(seed, 2)["W1"] for seed in seeds]
    assert len({float(w.sum()) for w in drawn}) == 100


def test_the_best_so_far_never_gets_worse_on_full_data(tiny):
    optimizer, state = begin(tiny, members=3)
    losses = [tiny.problem.losses(tiny.problem.forward(state))]
    for _ in range(40):
        state = advance(optimizer, tiny.problem, state)
        losses.append(tiny.problem.losses(tiny.problem.forward(state)))
        torch.testing.assert_close(losses[-1], state["loss"], rtol=1e-12, atol=0)
    trace = torch.stack(losses)
    assert (trace.diff(dim=0) <= 0).all()
    assert (trace.diff(dim=0) < 0).any(0).all()


def test_the_initial_weights_stay_where_no_draw_beats_it(tiny):
    optimizer, state = begin(tiny)
    good = advance(optimizer, tiny.problem, state, 200)
    again = optimizer.init(tiny.problem, parameters(good), tiny.draw((3, 1)))
    assert all(
        torch.equal(p, good[key])
        for key, p in parameters(advance(optimizer, tiny.problem, again)).items()
    )


def test_a_tie_keeps_the_best_so_far(tiny):
    """All members have the loss of the initial weights: outputs ignore the hidden layers."""

    def fresh(seed, count):
        drawn = tiny.fresh(seed, count)
        return drawn | {key: torch.zeros_like(drawn[key]) for key in ("W3", "b3")}

    optimizer, first = begin(tiny)
    first = first | {key: torch.zeros_like(first[key]) for key in ("W3", "b3")}
    state = advance(optimizer, replace(tiny.problem, fresh=fresh), first, 3)
    assert all(torch.equal(state[key], p) for key, p in parameters(first).items())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_never_wins(tiny, value):
    def fresh(seed, count):
        drawn = tiny.fresh(seed, count)
        drawn["b3"][::2] = value
        return drawn

    optimizer, first = begin(tiny)
    state = advance(optimizer, replace(tiny.problem, fresh=fresh), first, 30)
    assert state["loss"].isfinite().all()
    assert not torch.equal(state["W1"], first["W1"])


def test_initial_weights_without_a_finite_loss_give_way_to_any_finite_one(tiny):
    optimizer, first = begin(tiny)
    first["b3"] = first["b3"] * float("nan")
    assert advance(optimizer, tiny.problem, first)["loss"].isfinite().all()


def test_a_step_evaluates_its_members_and_the_first_one_the_initial_weights_too(tiny):
    tally = Tally(tiny.widths, tiny.problem.samples, 2)
    watched = tiny.problem.with_watcher(tally)
    optimizer, state = begin(tiny)
    counts = []
    for _ in range(3):
        state = advance(optimizer, watched, state)
        counts.append(tally.forward_passes)
    assert counts == [24 * 8, 24 * 15, 24 * 22]
    assert tally.backward_passes == 0


def test_on_mini_batches_the_best_so_far_is_judged_by_the_batch_at_hand(tiny):
    numbers = torch.stack([torch.arange(0, 8), torch.arange(5, 13)])
    optimizer, state = begin(tiny)
    state = advance(optimizer, tiny.problem, state, 3)
    tally = Tally(tiny.widths, tiny.problem.samples, 2)
    after = advance(optimizer, tiny.problem.on(numbers).with_watcher(tally), state)
    assert tally.forward_passes == 8 * 8
    for r, seed in enumerate((3, 1)):
        part = tiny.problem.on(numbers[r : r + 1])
        drawn = tiny.fresh(fresh_seed(seed, 3), 7)
        rivals = [{key: p[r : r + 1] for key, p in parameters(state).items()}]
        rivals += [{key: p[m : m + 1] for key, p in drawn.items()} for m in range(7)]
        losses = [float(part.losses(part.forward(rival))) for rival in rivals]
        best = rivals[losses.index(min(losses))]
        assert all(torch.equal(after[key][r], p[0]) for key, p in best.items())
        assert float(after["loss"][r]) == pytest.approx(min(losses), rel=1e-12)


def test_chunks_of_members_change_nothing():
    tiny = Tiny()
    optimizer, state = begin(tiny)
    small = replace(tiny.problem, memory=1)
    one, other = (advance(optimizer, problem, state, 5) for problem in (tiny.problem, small))
    torch.testing.assert_close(one, other, rtol=1e-12, atol=0)
