"""Short runs on real data: the sets load, and an optimizer with a convolution takes part."""

from __future__ import annotations

import pytest

import gfopt
from gfopt.records.store import read_history

pytestmark = pytest.mark.data

LARGE = ("mnist_poswise", "cifar10_poswise")

CONVOLUTION = '''
"""A small convolutional network, trained by torch's own Adam."""

import torch
from torch import nn


def make_model():
    return nn.Sequential(
        nn.Conv2d(1, 4, 5, stride=3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 8 * 8, 10)
    )


def train_step(model, batch, state):
    if "adam" not in state:
        state["adam"] = torch.optim.Adam(model.parameters(), lr=3e-3)
    state["adam"].zero_grad()
    nn.functional.cross_entropy(model(batch.x), batch.y).backward()
    state["adam"].step()
'''


@pytest.mark.long
def test_an_optimizer_with_a_convolution_and_autograd_runs_on_mnist_next_to_built_in_ones(
    real_data, tmp_path
):
    (tmp_path / "conv.py").write_text(CONVOLUTION)
    (tmp_path / "x.yaml").write_text("""
dataset: {name: mnist, scale: unit, validation: 10000}
model: {hidden: [20], init: fan_in_normal}
loss: cross_entropy
optimizers:
  - {name: adam, lr: 0.003, batch_size: 500}
  - {file: conv.py, label: convolution, batch_size: 500}
target: {valid_accuracy: 0.93}
budget: {epochs: 6}
""")
    result = gfopt.run(tmp_path / "x.yaml", out=tmp_path, data=real_data, offline=True)
    assert [(r.label, r.status) for r in result.records] == [
        ("adam", "reached"),
        ("convolution", "reached"),
    ]
    assert result.records[0].forward_passes == pytest.approx(50000 * result.records[0].epochs)
    assert result.records[1].forward_passes is None


@pytest.mark.parametrize(
    "config",
    ["cat_poswise", *(pytest.param(name, marks=pytest.mark.long) for name in LARGE)],
)
def test_the_papers_benchmarks_load_begin_alike_and_their_losses_fall(config, real_data, tmp_path):
    result = gfopt.run(
        config,
        out=tmp_path,
        data=real_data,
        offline=True,
        settings=["budget.epochs=3", "reading=end_of_epoch", "target=null"],
    )
    gd, pw = result.records
    assert gd.hashes["start"] == pw.hashes["start"]
    histories = [read_history(result.folder / "runs" / r.id) for r in (gd, pw)]
    assert histories[0][0].loss == histories[1][0].loss
    assert [len(rows) for rows in histories] == [4, 4]
    assert all(rows[-1].loss < rows[0].loss for rows in histories)
