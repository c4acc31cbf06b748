"""The runs whose epoch counts are on record: small, in float64 on the CPU, with many options."""

from __future__ import annotations

from gfopt.engine.budget import Budget
from gfopt.engine.clock import Clock
from gfopt.engine.loop import train
from gfopt.engine.target import Target
from gfopt.engine.terms import Terms
from gfopt.optimizers import optimizers
from tests.tiny import Tiny

SEEDS = (1, 2, 3)
OPTIONS = {
    "gradient_descent": [
        {"lr": 0.02},
        {"lr": 0.02, "momentum": 0.9},
        {"lr": 0.02, "multipliers": [1, 2, 3]},
    ],
    "position_wise": [{"lr": 0.02}],
    "evolution_strategy": [
        {"lr": 0.001},
        {"lr": 0.001, "reward": "inverse_loss", "antithetic": True},
        {"lr": 0.002, "shaping": "centred_ranks", "inner": "momentum", "momentum": 0.5},
        {"lr": 0.02, "members": 30, "sigma": 0.1, "inner": "adam", "weight_decay": 0.01}
        | {"sigma_decay": 0.99, "lr_decay": 0.99},
    ],
    "parameter_search": [
        {},
        {"order": "random"},
        {"low": -1, "high": 1, "count": 5, "keep_incumbent": True, "shrink": 0.8},
    ],
    "random_features": [{}, {"ridge": 0.01}],
    "random_search": [{}, {"members": 20}],
    "lbfgs": [{"lr": 0.05, "max_iter": 2}],
    "sequence": [
        {},
        {
            "stages": [
                {"name": "gradient_descent", "epochs": 2},
                {"name": "adam", "lr": 0.05, "schedule": {"name": "StepLR", "step_size": 2}},
            ]
        },
    ],
    "synaprune": [
        {},
        {"variant": "centred"},
        {"variant": "experimental", "lr": 0.001},
        {"variant": "batch", "lr": 0.1},
        {"frozen_hidden": True, "lr": 0.1},
    ],
}


def cases():
    """(class, name, options) of each golden run; the defaults unless OPTIONS says otherwise."""
    for name, optimizer in optimizers.items():
        if name not in ("sparseadam", "muon"):  # refused; and bfloat16 inside, so counts may differ
            for options in OPTIONS.get(name, [{}]):
                yield optimizer, name, options


def count_epochs(optimizer, options):
    """Epochs to a train loss of 0.5 for each seed, or the status if it is not reached."""
    task = Tiny().task()
    terms = Terms((Target(train_loss=0.5),), "end_of_epoch", Budget(epochs=400))
    for seed in SEEDS:
        outcome = train(task, optimizer(**options), terms, [seed], Clock())[0]
        reached = outcome.status == "reached"
        yield seed, f"{outcome.history[-1].epoch:g}" if reached else str(outcome.status)
