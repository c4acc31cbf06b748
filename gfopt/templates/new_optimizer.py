"""NAME: sign descent. Every weight takes a step of the same length, shrinking with time.

    w <- w - lr / sqrt(1 + t) sign(dJ/dw)

Change it into your own optimizer. `gfopt check NAME_optimizer.py` checks it against the optimizer
contract. `gfopt run NAME.yaml` then repeats only the runs that the change affects.
"""

from gfopt import Optimizer, Positive


class SignDescent(Optimizer):
    """Hyperparameters are fields, validated before anything runs; the config sets them."""

    lr: Positive = 0.02

    def init(self, problem, params, draw):
        """Return the state: a dict of tensors whose first dimension is the seeds.

        It holds the weights and whatever else the optimizer remembers.
        """
        return params | {"lr": draw.full(self.lr), "t": draw.full(0)}

    def step(self, problem, state, at):
        """Return the state after one update. `at` is the forward pass at `state`.

        Make new tensors: the given state must not change.
        """
        gradient = problem.gradient(state, at)  # dJ/dW1, dJ/db1, ... of all layers
        length = (state["lr"] / (1 + state["t"]).sqrt())[:, None, None]
        moved = {key: state[key] - length * slope.sign() for key, slope in gradient.items()}
        return state | moved | {"t": state["t"] + 1}
