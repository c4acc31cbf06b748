"""torchvision's data sets, even if its compiled operators don't fit the installed torch.

Source: torchvision 0.28, torchvision/_meta_registrations.py, which registers a stand-in for the
operator nms at import and fails if the compiled part that declares it couldn't be loaded. This
happens with a CPU build of torch and PyPI's torchvision, which is built for CUDA. The data sets
need no compiled operator, so declaring the two names is enough.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

UNDECLARED = "operator torchvision::nms does not exist"
SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"

_declared: list[Any] = []  # torch drops a Library's operators when the object is deleted


def torchvision_datasets() -> Any:
    """Import torchvision.datasets; declare its operators first if they couldn't be loaded."""
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
    """Remove torchvision's modules, so that the next import starts from scratch."""
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]


def _declare() -> None:
    """Declare the operators' signatures. Calling them still fails."""
    library = importlib.import_module("torch.library").Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(operator + SIGNATURE)
    _declared.append(library)
