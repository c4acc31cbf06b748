"""torchvision's data sets come along with a torch that its operators don't fit."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from gfopt.datasets import torchvision_import


@pytest.mark.long  # a fresh interpreter imports torchvision
def test_the_data_sets_import_in_a_fresh_interpreter_without_a_warning():
    program = (
        "from gfopt.datasets.torchvision_import import torchvision_datasets as get\n"
        "print(get().MNIST.__name__, get() is get())"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "MNIST True\n", "")


def test_undeclared_operators_are_declared_and_the_import_starts_anew(monkeypatch):
    half, calls = "torchvision.half_imported", []

    def stop_once(name):
        calls.append(name)
        if len(calls) == 1:
            raise RuntimeError(torchvision_import.UNDECLARED)
        return f"module {name}"

    monkeypatch.setattr(torchvision_import, "_declare", lambda: calls.append("declared"))
    monkeypatch.setattr(torchvision_import, "_declared", [])
    monkeypatch.setattr(torchvision_import, "importlib", SimpleNamespace(import_module=stop_once))
    monkeypatch.setattr(torchvision_import, "sys", SimpleNamespace(modules={half: 1, "os": 2}))
    assert torchvision_import.torchvision_datasets() == "module torchvision.datasets"
    assert calls == ["torchvision.datasets", "declared", "torchvision.datasets"]
    assert torchvision_import.sys.modules == {"os": 2}


def test_another_error_at_import_is_not_hidden(monkeypatch):
    def stop(name):
        raise RuntimeError("something else")

    monkeypatch.setattr(torchvision_import, "importlib", SimpleNamespace(import_module=stop))
    with pytest.raises(RuntimeError, match="something else"):
        torchvision_import.torchvision_datasets()
