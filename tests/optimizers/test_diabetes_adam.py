"""The gradient model of the search's paper against a torch program of its own."""

from __future__ import annotations

import pytest
import torch

from gfopt.config.packaged_configs import load_config
from gfopt.engine.clock import Clock
from gfopt.engine.loop import train
from gfopt.runner.settings import RunSettings
from gfopt.runner.train import make_task


def adam_by_torch(seed, epochs):
    """The gradient model as a torch program of its own: 10-5-4-1, float64, plateau schedule."""
    from sklearn.datasets import load_diabetes

    table = load_diabetes()
    x, y = torch.tensor(table.data), torch.tensor(table.target)[:, None]
    generator = torch.Generator().manual_seed(seed)
    net = torch.nn.Sequential(
        torch.nn.Linear(10, 5), torch.nn.Linear(5, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1)
    ).double()
    with torch.no_grad():
        for layer in (net[0], net[1], net[3]):
            rows, columns = layer.weight.shape
            draw = torch.rand(rows, columns, generator=generator, dtype=torch.float64)
            layer.weight.copy_(10 * draw - 5)
            layer.bias.copy_(10 * torch.rand(rows, generator=generator, dtype=torch.float64) - 5)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "min", 0.1, 5)
    losses = []
    for _ in range(epochs):
        loss = torch.nn.functional.mse_loss(net(x), y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step(loss.item())
    return [*losses, torch.nn.functional.mse_loss(net(x), y).item()]


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_the_gradient_model_is_that_of_a_torch_program(seed):
    experiment = load_config("diabetes_adam", ["precision=float64", f"seeds={seed}"])
    task = make_task(experiment, RunSettings(device="cpu", offline=True))
    (entry,) = experiment.entries
    (found,) = train(
        task,
        entry.make_optimizer(3),
        experiment.terms(),
        experiment.seeds,
        Clock(),
        schedule=entry.schedule,
    )
    losses = [evaluation.loss for evaluation in found.history]
    assert losses == pytest.approx(adam_by_torch(seed, 30), rel=1e-9)
