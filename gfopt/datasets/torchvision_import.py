"""torchvision's data sets, also where its compiled operators don't fit the torch that is installed.

Source: torchvision 0.28, torchvision/_meta_registrations.py, which registers a stand-in for the
operator nms at import and stops when the compiled part that declares it couldn't be loaded. That
is so with a CPU build of torch beside the torchvision of PyPI, which is built for CUDA. The data
sets need no compiled operator, so declaring the two names is enough.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

UNDECLARED = "operator torchvision::nms does not exist"
SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"

_declared: list[Any] = []  # torch forgets a Library's operators when the object goes


def torchvision_datasets() -> Any:
    """The module torchvision.datasets; operators that couldn't be loaded are only declared."""
    try:
        return importlib.import_module("torchvision.datasets")
    except RuntimeError as error:
        if UNDECLARED not in str(error):
            raise
    _forget_half_imported()
    if not _declared:
        _declare()
    return importlib.import_module("torchvision.datasets")


def _forget_half_imported() -> None:
    """Make the next import start anew."""
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]


def _declare() -> None:
    """Give the operators their signatures; calling them still fails, as it would without."""
    library = importlib.import_module("torch.library").Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(operator + SIGNATURE)
    _declared.append(library)
