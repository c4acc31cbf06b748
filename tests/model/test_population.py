"""The losses of a population: those of its members one by one, in any chunks, counted."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gfopt.engine.tally import Tally
from gfopt.model.activations import activations
from gfopt.model.losses import losses
from tests.tiny import Tiny

LOSSES = [name for name, made in losses.items() if made.outputs != 1]  # bce below


def population(tiny, seeds, members):
    """Parameters (R, P, ...), every member's drawn from a seed of its own."""
    each = tiny.initial_weights(range(seeds * members))
    return {key: p.unflatten(0, (seeds, members)) for key, p in each.items()}


def one_by_one(problem, members):
    """The loss of every member from a pass of its own, (R, P)."""
    seeds, count = members["W1"].shape[:2]
    found = torch.empty(seeds, count, dtype=members["W1"].dtype)
    for r in range(seeds):
        x, y = problem.inputs, problem.targets
        own = replace(problem, inputs=x, targets=y)
        if y.ndim == 3:  # each seed has its own samples
            own = replace(problem, inputs=x[r], targets=y[r])
        for p in range(count):
            member = {key: tensor[r, p][None] for key, tensor in members.items()}
            found[r, p] = own.losses(own.forward(member))[0]
    return found


def same(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("activation", list(activations))
@pytest.mark.parametrize("loss", LOSSES)
def test_population_losses_are_those_of_passes_one_by_one(loss, activation):
    tiny = Tiny(activation=activation, loss=loss)
    members = population(tiny, 2, 5)
    same(tiny.problem.population_losses(members), one_by_one(tiny.problem, members))


def test_a_single_sigmoid_output_has_population_losses_too():
    tiny = Tiny(widths=(6, 5, 4, 1), loss="bce")
    members = population(tiny, 2, 5)
    same(tiny.problem.population_losses(members), one_by_one(tiny.problem, members))


@given(st.lists(st.integers(1, 6), min_size=2, max_size=5), st.integers(1, 3), st.integers(1, 7))
def test_they_are_whatever_the_shapes(widths, seeds, count):
    tiny = Tiny(widths=tuple(widths), loss="mse", samples=9)
    members = population(tiny, seeds, count)
    same(tiny.problem.population_losses(members), one_by_one(tiny.problem, members))


def test_an_output_without_bias_has_population_losses_too(tiny):
    members = population(tiny, 2, 4)
    del members["b3"]
    same(tiny.problem.population_losses(members), one_by_one(tiny.problem, members))


@pytest.mark.parametrize("loss", LOSSES)
def test_on_mini_batches_every_member_sees_its_seeds_samples(loss):
    tiny = Tiny(loss=loss)
    part = tiny.problem.on(torch.tensor([[0, 3, 5, 1], [7, 1, 2, 22]]))
    members = population(tiny, 2, 5)
    same(part.population_losses(members), one_by_one(part, members))


@pytest.mark.parametrize("mini", [False, True], ids=["full", "mini-batch"])
@given(st.integers(1, 40_000))
def test_chunks_change_nothing_beyond_rounding(mini, memory):
    tiny = Tiny()
    numbers = torch.tensor([[0, 3, 5, 1], [7, 1, 2, 22]])
    problem = tiny.problem.on(numbers) if mini else tiny.problem
    members = population(tiny, 2, 7)
    chunked = replace(problem, memory=memory).population_losses(members)
    same(chunked, problem.population_losses(members))


def test_the_same_memory_gives_the_same_bits(tiny):
    members, problem = population(tiny, 2, 7), replace(tiny.problem, memory=20_000)
    assert torch.equal(problem.population_losses(members), problem.population_losses(members))


@pytest.mark.parametrize("memory", [1, 2**30])
def test_activations_of_a_chunk_stay_within_the_memory_given(memory):
    """A loss that sees the outputs of a chunk: one member at a time where nothing fits."""
    tiny, seen = Tiny(), []

    class Spy(losses["mse"]):
        def value(self, z, y):
            seen.append(z.shape)
            return super().value(z, y)

    problem = replace(tiny.problem, loss=Spy(), memory=memory)
    problem.population_losses(population(tiny, 2, 5))
    assert seen == ([(2, 1, 3, 24)] * 5 if memory == 1 else [(2, 5, 3, 24)])


@pytest.mark.parametrize("memory", [1, 2**30])
def test_each_member_counts_as_a_pass_over_the_samples_it_sees(tiny, memory):
    tally = Tally(tiny.widths, tiny.problem.samples, seeds=2)
    problem = replace(tiny.problem, memory=memory).with_watcher(tally)
    problem.population_losses(population(tiny, 2, 5))
    assert (tally.forward_passes, tally.backward_passes) == (5 * 24, 0)
    problem.on(torch.tensor([[0, 3, 5], [7, 1, 2]])).population_losses(population(tiny, 2, 5))
    assert tally.forward_passes == 5 * 24 + 5 * 3


def test_the_members_are_left_as_they_were(tiny):
    members = population(tiny, 2, 5)
    before = {key: p.clone() for key, p in members.items()}
    tiny.problem.population_losses(members)
    assert all(torch.equal(members[key], before[key]) for key in before)
