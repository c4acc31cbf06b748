"""What tests share: how they are prepared and ordered, threads, figures, real data.

Heavy packages are imported inside functions: the process that starts xdist's workers needs none.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

LONGEST = ["test_published.py", "test_documents.py"]  # they start first: workers end together


def pytest_configure(config):
    """Prepare a process that runs tests."""
    if hasattr(config, "workerinput") or config.getoption("dist", "no") == "no":
        import hypothesis
        import numba

        import gfopt.numerics.kernels  # noqa: F401 - sets numba's cache folder

        hypothesis.settings.register_profile(
            "gfopt", deadline=None, derandomize=True, max_examples=40
        )
        hypothesis.settings.load_profile("gfopt")
        # The same kernels for tests that move the user cache, and for subprocesses.
        os.environ.setdefault("NUMBA_CACHE_DIR", numba.config.CACHE_DIR)


def pytest_collection_modifyitems(items):
    """Skip tests on real data with a reason where there is none, CUDA tests likewise."""
    import torch

    items.sort(key=lambda item: [*LONGEST, item.path.name].index(item.path.name))
    data, cuda = os.environ.get("GFOPT_DATA"), torch.cuda.is_available()
    for item in items:
        if item.get_closest_marker("data") and not data:
            item.add_marker(pytest.mark.skip(reason="needs real data sets: set GFOPT_DATA"))
        if item.get_closest_marker("cuda") and not cuda:
            item.add_marker(pytest.mark.skip(reason="needs a GPU"))


@pytest.fixture(autouse=True)
def _kept_threads():
    import torch

    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


BLANK = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<?xml version='1.0'?><svg/>", "pdf": b"%PDF-1.4\n"}


@pytest.fixture(scope="session", autouse=True)
def _render():
    """Figures are composed but saved blank: rendering takes most of a short run's time."""
    from matplotlib.figure import Figure

    def write_blank(figure, file, **options):
        file.write(BLANK[options["format"]])

    render = Figure.savefig
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", write_blank)
        yield render


@pytest.fixture
def rendered(monkeypatch, _render):
    """In this test figures are rendered."""
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", _render)


@pytest.fixture
def real_data() -> Path:
    return Path(os.environ["GFOPT_DATA"])


@pytest.fixture
def tiny():
    from tests.tiny import Tiny

    return Tiny()
