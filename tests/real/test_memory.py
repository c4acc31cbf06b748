"""How much memory the large races take beyond torch itself: in processes of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.data, pytest.mark.long]

PEAK = """
import resource, sys
import h5py, matplotlib.pyplot, numba, torch, torch.optim
torch.ones(64, 64) @ torch.ones(64, 64)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
import gfopt
gfopt.run(
    sys.argv[1], out=sys.argv[2], data=sys.argv[3], backend=sys.argv[4], offline=True,
    settings=["budget.epochs=3", "target=null", "reading=end_of_epoch"],
)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3)
"""
MOST = {"mnist_poswise": 600, "cifar10_poswise": 1500}  # megabytes
CASES = [(config, backend) for config in MOST for backend in ("plain", "numba")]
LARGEST = ("cifar10_poswise", "numba")  # the others: nightly


@pytest.mark.parametrize(
    ("config", "backend"),
    [
        LARGEST,
        *(pytest.param(*case, marks=pytest.mark.nightly) for case in CASES if case != LARGEST),
    ],
)
def test_a_race_keeps_to_its_memory(config, backend, real_data, tmp_path):
    ask = [sys.executable, "-c", PEAK, config, str(tmp_path), str(real_data), backend]
    done = subprocess.run(ask, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1]) < MOST[config]
