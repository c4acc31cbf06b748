"""Compiled sweeps shared out to threads: by replicas where those are many, else by samples."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from gfopt.kernels.descent import Data, Net, Replicas, advance
from gfopt.kernels.threads import each, share

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]

CHUNKS = 16  # parts of many samples, whatever the threads, which so change no bit
MANY = 4096  # samples
SHARED = 5_000_000  # multiplications of layer 1's product from which on threads pay


@dataclass
class Work:
    """Room for a sweep, and what it made: gfopt.kernels.descent.Replicas has the shapes."""

    a: Array
    z: Array
    dW1: Array  # noqa: N815 - (chunks of samples, R, ...), the sums of all in the first
    dw: Array

    def keep(self, rows: Array) -> Work:
        """That of some of the replicas."""
        # take, since [:, rows] would leave the chunks side by side in memory
        kept = (np.take(d, rows, axis=1) for d in (self.dW1, self.dw))
        return Work(self.a[rows], self.z[rows], *kept)


@dataclass(frozen=True, eq=False)
class Sweeps:
    """The network and the samples, as the compiled loops take them."""

    net: Net
    data: Data
    spare: list[Work]  # used up: room for the next sweep of as many replicas
    chunks: list[tuple[int, int]]  # of samples: one in their span, where dW_1 is no sum over them

    def room(self, W1: tuple[int, ...], others: tuple[int, ...], *, back: bool) -> Work:
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
        """What a step has used up: memory that is in the processor's cache already."""
        self.spare[:] = [work]

    def run(self, moves: Array, parts: list[Replicas]) -> None:
        """Make the moves (M, 3) of gfopt.kernels.descent, in place.

        `parts`: the replicas, with the derivatives' room of each chunk of samples.
        """
        if len(self.chunks) > 1:
            self._by_samples(moves, parts)
        else:
            self._by_replicas(moves, parts[0])

    def _by_replicas(self, moves: Array, whole: Replicas) -> None:
        """Each thread makes all moves of some of the replicas."""
        count, samples = len(whole.w), len(self.data.rows)
        if count == 1 or whole.W1.size * samples < SHARED:
            advance(self.net, self.data, whole, moves, 0, samples)
            return

        def part(lo: int, hi: int) -> None:
            own = Replicas(*(array[lo:hi] for array in whole))
            advance(self.net, self.data, own, moves, 0, samples)

        share(count, part)

    def _by_samples(self, moves: Array, parts: list[Replicas]) -> None:
        """Move by move: each thread sweeps some of the samples, and what they find is summed."""
        for stage, first, last in moves.tolist():
            if stage:
                advance(self.net, self.data, parts[0], np.array([(stage, 0, 0)]), 0, 0)
            if first:
                self._sweep(first, last, parts)

    def _sweep(self, first: int, last: int, parts: list[Replicas]) -> None:
        move = np.array([(0, first, last)])
        own = parts if len(parts) > 1 else parts * len(self.chunks)

        def sweep(item: tuple[Replicas, tuple[int, int]]) -> None:
            advance(self.net, self.data, item[0], move, *item[1])

        each(list(zip(own, self.chunks, strict=True)), sweep)
        for part in parts[1:]:
            parts[0].dw[:] += part.dw
            if last == 1:
                parts[0].dW1[:] += part.dW1


def chunks_of(samples: int, *, spanned: bool) -> list[tuple[int, int]]:
    """The ranges of samples that are swept apart."""
    count = CHUNKS if samples >= MANY and not spanned else 1
    return list(pairwise(samples * i // count for i in range(count + 1)))
