"""The figures of a claims file: which picture shows which measures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gfopt.registry import Registry
from gfopt.reproduction import figures
from gfopt.reproduction.claims import Shown
from gfopt.reproduction.document import Picture
from gfopt.reproduction.verdicts import Missing

if TYPE_CHECKING:
    from gfopt.reproduction.evidence import Collected


Draw = Callable[[Shown, "Collected", Path], None]
kinds: Registry[Draw] = Registry("figure")


@kinds.register("side_by_side")
def _side_by_side(shown: Shown, evidence: Collected, path: Path) -> None:
    """Loss against epochs of several rules, a panel each."""
    curves = [curve for measure in shown.of for curve in evidence.histories(measure)[:1]]
    figures.side_by_side(curves, path)


@kinds.register("layers")
def _layers(shown: Shown, evidence: Collected, path: Path) -> None:
    """Which layer is updated when in an epoch."""
    figures.layers_in_an_epoch({m.label: evidence.layers(m) for m in shown.of}, path)


@kinds.register("histories")
def _histories(shown: Shown, evidence: Collected, path: Path) -> None:
    """Loss against epochs of many seeds, a colour a rule."""
    figures.histories([c for measure in shown.of for c in evidence.histories(measure)], path)


@kinds.register("final_losses")
def _final_losses(shown: Shown, evidence: Collected, path: Path) -> None:
    """Bars of the last losses, the published ones beside them."""
    values = {m.label: list(evidence.values(m).values()) for m in shown.of}
    published = dict(zip(values, shown.published, strict=False))
    figures.final_losses(values, published, path)


@kinds.register("fit")
def _fit(shown: Shown, evidence: Collected, path: Path) -> None:
    """The fitted curve of one input and one output, first seed."""
    x, y, a = evidence.outputs(shown.of[0])
    figures.fit(x[0], y[0], a[0], path, shown.caption)


def draw_all(shown: Iterable[Shown], evidence: Collected, folder: Path) -> Iterator[Picture]:
    """Draw what there is evidence for into the folder."""
    for figure in shown:
        try:
            if all(measure.runs in evidence.results for measure in figure.of):
                kinds[figure.kind](figure, evidence, folder / figure.file)
                yield Picture(f"{folder.name}/{figure.file}", figure.caption)
        except Missing:
            continue
