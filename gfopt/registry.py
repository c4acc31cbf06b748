"""A registry: name -> class, filled by a decorator and by installed packages' entry points."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import TypeVar

from gfopt.errors import GfoptError, UnknownNameError

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """The registered classes of one kind ("optimizer"), by name.

    The modules of `package` are imported at the first look-up, so a file in that folder is its own
    registration. Installed packages register through the entry-point group `gfopt.<kind>s`.
    """

    def __init__(self, kind: str, package: str | None = None) -> None:
        self.kind = kind
        self._package = package
        self._entries: dict[str, T] = {}
        self._complete = False

    def register(self, name: str) -> Callable[[T], T]:
        """A decorator that registers a class under a name.

        The decorator raises GfoptError if the name is taken.
        """

        def add(entry: T) -> T:
            if name in self._entries:
                raise GfoptError(
                    f"two {self.kind}s have the name {name!r}: rename one or uninstall its package"
                )
            self._entries[name] = entry
            return entry

        return add

    @contextmanager
    def register_temporarily(self, name: str, entry: T) -> Iterator[None]:
        """Register an entry for the length of a block: in a test or a notebook cell."""
        self._fill()
        self.register(name)(entry)
        try:
            yield
        finally:
            del self._entries[name]

    def __getitem__(self, name: str) -> T:
        """The entry of that name. Raises UnknownNameError (a KeyError) with the nearest name."""
        self._fill()
        if name not in self._entries:
            raise UnknownNameError(self.kind, name, self._entries)
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        self._fill()
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        self._fill()
        return len(self._entries)

    def _fill(self) -> None:
        """Import everything that may register an entry, once."""
        if self._complete:
            return
        self._complete = True
        if self._package:
            package = importlib.import_module(self._package)
            for module in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self._package}.{module.name}")
        for point in entry_points(group=f"gfopt.{self.kind}s"):
            self.register(point.name)(point.load())
