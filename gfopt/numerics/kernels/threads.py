"""Work shared between threads: compiled loops release the interpreter's lock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    T = TypeVar("T")

_threads: ContextVar[int] = ContextVar("threads", default=1)


@contextmanager
def share_threads() -> Iterator[None]:
    """Give torch's number of threads to `share`; torch and BLAS use one thread each meanwhile.

    Their idle threads spin, and would compete with ours for the cores.
    """
    import scipy.linalg.cython_blas  # noqa: F401 - loops call it; only a loaded library is limited
    import torch
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    token = _threads.set(threads)
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, "blas"):
            yield
    finally:
        torch.set_num_threads(threads)
        _threads.reset(token)


def share(count: int, work: Callable[[int, int], None]) -> None:
    """Call work(lo, hi) on as many parts of range(count) as there are threads."""
    threads = _threads.get()
    run_each(
        list(pairwise(count * i // threads for i in range(threads + 1))), lambda cut: work(*cut)
    )


def run_each(items: Sequence[T], work: Callable[[T], None]) -> None:
    """Call work on every item, on all threads. An exception in a thread is raised here."""
    todo = iter(items)  # each thread takes the next one when it is free

    def take() -> None:
        for item in todo:
            work(item)

    others = min(_threads.get(), len(items)) - 1
    helpers = [_make_pool(others).submit(take) for _ in range(others)]
    take()
    for helper in helpers:
        helper.result()


@cache
def _make_pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)
