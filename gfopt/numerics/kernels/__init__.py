"""Compiled loops. numba keeps their machine code by the digest of all their sources.

numba itself looks at the file of the outermost function alone, and would take old code for new
where a file beneath it has changed.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numba
from platformdirs import user_cache_path


def _folder() -> Path:
    """Where machine code of these sources is kept between runs."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    return user_cache_path("gfopt") / "kernels" / digest[:16]


if "NUMBA_CACHE_DIR" not in os.environ:
    numba.config.CACHE_DIR = str(_folder())  # type: ignore[attr-defined]
