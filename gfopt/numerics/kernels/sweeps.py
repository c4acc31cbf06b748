"""Compiled sweeps on threads: shared by samples if there are many of them, else by seeds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from gfopt.numerics.kernels.descent import Net, SampleArrays, SeedArrays, advance
from gfopt.numerics.kernels.threads import run_each, share

if TYPE_CHECKING:
    from gfopt.numerics.array import Array

CHUNKS = 16  # parts of the samples for any number of threads, so that threads change no bit
LEAST_SAMPLES = 4096  # from which on samples are shared
LEAST_PRODUCTS = 5_000_000  # multiplications in layer 1 from which on sharing seeds pays


@dataclass
class Work:
    """Work arrays of a sweep and its results; shapes as in gfopt.numerics.kernels.descent."""

    a: Array
    z: Array
    dW1: Array  # noqa: N815 - (chunks of samples, R, ...), the sums of all in the first
    dw: Array

    def keep(self, rows: Array) -> Work:
        """The arrays of some of the seeds."""
        # np.take, since [:, rows] would interleave the chunks in memory
        kept = (np.take(d, rows, axis=1) for d in (self.dW1, self.dw))
        return Work(self.a[rows], self.z[rows], *kept)


@dataclass(frozen=True, eq=False)
class Sweeps:
    """The network and the samples, in the form of the compiled loops."""

    net: Net
    data: SampleArrays
    spare: list[Work]  # arrays no longer needed, for the next sweep of as many seeds
    chunks: list[tuple[int, int]]  # of samples; a single one if dW_1 is no sum over samples

    def provide_work(self, W1: tuple[int, ...], others: tuple[int, ...], *, back: bool) -> Work:
        """Arrays for a sweep; with `back`, for derivatives of those shapes too."""
        while back and self.spare:
            used = self.spare.pop()
            if used.dW1.shape[1:] == W1:
                return used
        samples, dtype = len(self.data.rows), self.data.rows.dtype
        units, outputs = int(self.net.widths[:-1].sum()), int(self.net.widths[-1])
        count = len(self.chunks) if back else 1
        return Work(
            np.empty((W1[0], units, samples), dtype),
            np.empty((W1[0], outputs, samples), dtype),
            np.empty((count, *(W1 if back else (W1[0], 0, 0))), dtype),
            np.empty((count, *(others if back else (W1[0], 0))), dtype),
        )

    def give_back(self, work: Work) -> None:
        """Reuse the arrays of a finished step: they are in the processor's cache."""
        self.spare[:] = [work]

    def run(self, moves: Array, parts: list[SeedArrays]) -> None:
        """Make the moves (M, 3) of gfopt.numerics.kernels.descent, in place.

        `parts`: the seeds' arrays, with the derivatives of each chunk of samples.
        """
        if len(self.chunks) > 1:
            self._run_by_samples(moves, parts)
        else:
            self._run_by_seeds(moves, parts[0])

    def _run_by_seeds(self, moves: Array, whole: SeedArrays) -> None:
        """Each thread makes all moves of some of the seeds."""
        count, samples = len(whole.w), len(self.data.rows)
        if count == 1 or whole.W1.size * samples < LEAST_PRODUCTS:
            advance(self.net, self.data, whole, moves, 0, samples)
            return

        def part(lo: int, hi: int) -> None:
            own = SeedArrays(*(array[lo:hi] for array in whole))
            advance(self.net, self.data, own, moves, 0, samples)

        share(count, part)

    def _run_by_samples(self, moves: Array, parts: list[SeedArrays]) -> None:
        """Move by move: each thread sweeps some samples, and the derivatives are summed."""
        for stage, first, last in moves.tolist():
            if stage:
                advance(self.net, self.data, parts[0], np.array([(stage, 0, 0)]), 0, 0)
            if first:
                self._sweep(first, last, parts)

    def _sweep(self, first: int, last: int, parts: list[SeedArrays]) -> None:
        move = np.array([(0, first, last)])
        own = parts if len(parts) > 1 else parts * len(self.chunks)

        def sweep(item: tuple[SeedArrays, tuple[int, int]]) -> None:
            advance(self.net, self.data, item[0], move, *item[1])

        run_each(list(zip(own, self.chunks, strict=True)), sweep)
        for part in parts[1:]:
            parts[0].dw[:] += part.dw
            if last == 1:
                parts[0].dW1[:] += part.dW1


def split_samples(samples: int, *, spanned: bool) -> list[tuple[int, int]]:
    """The ranges of samples that are swept separately."""
    count = CHUNKS if samples >= LEAST_SAMPLES and not spanned else 1
    return list(pairwise(samples * i // count for i in range(count + 1)))
