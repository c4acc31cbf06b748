"""All of torch.optim by one wrapper: each update rebuilds torch's optimizer from the flat state.

The gradient is the problem's own (no autograd), the step is torch's. All memory that torch keeps
for a parameter is in the state: tensors under "W1/exp_avg", 0-dimensional ones under "W1@step",
Python numbers under "W1#n_iter", lists of tensors (LBFGS's history) under "W1[]old_dirs". Results
equal those of torch's own optimizer object. Cost per update: one forward and one backward pass, for
LBFGS one of each per closure call.

Optimizers whose update mixes a tensor's entries (LBFGS, Adafactor, Muon) run seeds one by one. Muon
trains the weight matrices; AdamW with the same lr and weight decay trains the biases. SparseAdam
needs sparse gradients, which dense networks don't have, and is refused.

Source: torch.optim, https://docs.pytorch.org/docs/stable/optim.html, and the papers named there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, cast

from pydantic import ConfigDict, Field

from gfopt.model.dense import DenseProblem, Pass
from gfopt.model.state import State, parameters
from gfopt.optimizers.base import Optimizer, optimizers
from gfopt.options import Positive
from gfopt.search_space import Choice, Range, Space

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from gfopt.numerics.draw import Draw

# The update of an entry depends on no other entry. Only these are vectorized over seeds and have
# compiled loops.
ELEMENTWISE = (
    "Adadelta", "Adagrad", "Adam", "Adamax", "AdamW", "ASGD", "NAdam", "RAdam", "RMSprop", "Rprop",
    "SGD",
)  # fmt: skip
NAMES = (*ELEMENTWISE, "Adafactor", "LBFGS", "Muon")
_ADAPTIVE: Space = {"lr": Range(1e-5, 1.0)}  # step lengths hardly depend on the gradient's
_SPACES: dict[str, Space] = {
    "Adadelta": {"lr": Range(1e-3, 100.0)},
    "Adagrad": {"lr": Range(1e-4, 10.0)},
    "ASGD": {"lr": Range(1e-4, 10.0)},
    "LBFGS": {"lr": Range(1e-3, 10.0)},
    "SGD": {"lr": Range(1e-4, 10.0), "momentum": Choice((0.0, 0.9, 0.99))},
}


class TorchOptim(Optimizer):
    """Options: lr, and all others of this torch.optim class under torch's names."""

    model_config = ConfigDict(extra="allow")

    lr: Annotated[Positive | None, Field(description="learning rate; default: torch's own")] = None

    deferred: ClassVar[bool] = True
    torch_name: ClassVar[str]

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The parameters and lr. torch's memory begins with the first step."""
        squeezed = {key: self._squeeze(p) for key, p in params.items()}
        lr = self._make_torch_optimizers(squeezed)[0].param_groups[0]["lr"]
        return params | {"lr": draw.full(float(lr)).double()}

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """One step of torch's optimizer, in every seed."""
        return self.step_in_place(
            problem, {key: tensor.clone() for key, tensor in state.items()}, at
        )

    def step_in_place(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """The step on the state's own tensors, without copies of large layers."""
        params = {key: self._squeeze(p) for key, p in parameters(state).items()}
        torch_optimizers = self._make_torch_optimizers(params, lr=float(state["lr"][0]))
        for optimizer in torch_optimizers:
            _restore_memory(optimizer, params, state, self.batches_seeds)
        self._advance(torch_optimizers, problem, params, at)
        memory: State = {}
        for optimizer in torch_optimizers:
            memory |= _read_memory(optimizer, params, len(state["lr"]), self.batches_seeds)
        return {key: self._unsqueeze(p) for key, p in params.items()} | {"lr": state["lr"]} | memory

    def check(self, depth: int) -> None:
        """Let torch check the options on a weight and a bias. Raises ValueError with its reason."""
        import torch

        try:
            params = {"W1": torch.zeros(2, 2), "b1": torch.zeros(2, 1)}
            for optimizer in self._make_torch_optimizers(params):
                _set_gradients(params, {key: torch.ones_like(p) for key, p in params.items()})
                optimizer.step(lambda: 1.0)
        except Exception as error:  # torch raises errors of many kinds
            raise ValueError(
                f"torch.optim.{self.torch_name} refuses its options: {error}"
            ) from error

    def _advance(
        self,
        torch_optimizers: list[torch.optim.Optimizer],
        problem: DenseProblem,
        params: State,
        at: Pass | None,
    ) -> None:
        """Give the parameters their gradients at the pass, and step."""
        assert at
        _set_gradients(
            params, problem.gradient({k: self._unsqueeze(p) for k, p in params.items()}, at)
        )
        for optimizer in torch_optimizers:
            optimizer.step()

    def _make_torch_optimizers(
        self, params: State, **changed: float
    ) -> list[torch.optim.Optimizer]:
        """torch's optimizer over these tensors; several if they share the parameters."""
        import torch

        kind = getattr(torch.optim, self.torch_name)
        return [kind(list(params.values()), **self._torch_options() | changed)]

    def _torch_options(self) -> dict[str, Any]:
        """The options for torch's constructor: only those given, pairs as tuples."""
        given = self.model_dump(exclude_none=True)
        return {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}

    def _squeeze(self, tensor: Tensor) -> Tensor:
        """Without the dimension of seeds, for optimizers that mix a tensor's entries."""
        return tensor if self.batches_seeds else tensor[0]

    def _unsqueeze(self, tensor: Tensor) -> Tensor:
        return tensor if self.batches_seeds else tensor[None]


class TorchLBFGS(TorchOptim):
    """LBFGS asks for losses and gradients itself: an epoch is one of its steps."""

    takes: ClassVar[Literal["full", "batch"]] = "full"

    def remarks(self) -> list[str]:
        """What an epoch of lbfgs is."""
        return ["An epoch of lbfgs is one step with several passes: compare passes, not epochs."]

    def _advance(
        self,
        torch_optimizers: list[torch.optim.Optimizer],
        problem: DenseProblem,
        params: State,
        at: Pass | None,
    ) -> None:
        """A step with a closure. Its first call uses the given pass."""
        ready = [at]

        def closure() -> float:
            now = {key: p[None] for key, p in params.items()}
            passed = ready.pop() if ready else problem.forward(now)
            assert passed
            _set_gradients(params, problem.gradient(now, passed))
            return float(problem.losses(passed))

        torch_optimizers[0].step(closure)


class TorchMuon(TorchOptim):
    """Muon trains the matrices; AdamW, with the same lr and weight decay, the biases."""

    def remarks(self) -> list[str]:
        """Which optimizer trains which parameters."""
        return [
            "muon trains the weight matrices; AdamW, with the same lr and weight_decay, the biases."
        ]

    def _make_torch_optimizers(
        self, params: State, **changed: float
    ) -> list[torch.optim.Optimizer]:
        import torch

        given = self._torch_options() | changed
        matrices = [p for key, p in params.items() if key[0] == "W"]
        muon = torch.optim.Muon(matrices, **given)
        rest = {
            "lr": muon.param_groups[0]["lr"],
            "weight_decay": muon.param_groups[0]["weight_decay"],
        }
        biases = [p for key, p in params.items() if key[0] == "b"]
        return [muon, torch.optim.AdamW(biases, **rest)] if biases else [muon]


@optimizers.register("sparseadam")
class TorchSparseAdam(TorchOptim):
    """Not usable: SparseAdam needs sparse gradients, which dense networks don't have."""

    torch_name: ClassVar[str] = "SparseAdam"
    deferred: ClassVar[bool] = False

    def check(self, depth: int) -> None:
        """Always raise ValueError with the reason."""
        raise ValueError(
            "sparseadam needs sparse gradients, which dense networks don't have: use adam"
        )


def _set_gradients(params: State, gradient: State) -> None:
    for key, p in params.items():
        p.grad = gradient[key].reshape(p.shape)


# Parameter; kind: tensor, 0-dimensional tensor, number, list of tensors; name in torch memory.
_MEMORY = re.compile(r"(\w+)(/|@|#|\[\])(.+)")


def _restore_memory(
    optimizer: torch.optim.Optimizer, params: State, state: State, batched: bool
) -> None:
    """Put the memory in the state back into torch's optimizer."""
    for key, tensor in state.items():
        found = _MEMORY.fullmatch(key)
        if found and found[1] in params:
            optimizer.state[params[found[1]]][found[3]] = _unpack(found[2], tensor, batched)


def _unpack(kind: str, tensor: Tensor, batched: bool) -> Any:
    """From a tensor of the state to what torch expects, without a copy if possible."""
    if kind == "/":
        return tensor if batched else tensor[0]
    if kind == "[]":
        return [row.clone() for row in tensor[0]]  # products round as those of torch's own rows do
    return tensor[0] if kind == "@" else tensor[0].item()


def _read_memory(
    optimizer: torch.optim.Optimizer, params: State, seeds: int, batched: bool
) -> State:
    """The memory of torch's optimizer for each parameter, as flat tensors (R, ...)."""
    memory: State = {}
    for key, p in params.items():
        for name, value in optimizer.state.get(p, {}).items():
            kind = _find_kind(value)
            if kind and name != "al":  # LBFGS's working memory, written before it is read
                memory[f"{key}{kind}{name}"] = _pack(kind, value, seeds, batched)
    return memory


def _find_kind(value: Any) -> str | None:
    """The mark of a value in the state's keys; None if it isn't kept."""
    import torch

    if isinstance(value, torch.Tensor):
        return "/" if value.ndim else "@"
    if isinstance(value, list):
        return "[]"
    return "#" if isinstance(value, int | float) else None


def _pack(kind: str, value: Any, seeds: int, batched: bool) -> Tensor:
    """From a value in torch's memory to a tensor (R, ...)."""
    import torch

    if kind == "/":
        return cast("Tensor", value if batched else value[None])
    if kind == "[]":
        return torch.stack(value)[None] if value else torch.empty(1, 0)
    if kind == "#":
        value = torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else None)
    return cast("Tensor", value).expand(seeds).clone()


def _register(torch_name: str) -> None:
    """One registered class for one of torch's."""
    base = {"LBFGS": TorchLBFGS, "Muon": TorchMuon}.get(torch_name, TorchOptim)
    own = {
        "__module__": __name__,
        "__doc__": f"torch.optim.{torch_name}. {TorchOptim.__doc__}",
        "__annotations__": {
            "torch_name": "ClassVar[str]",
            "batches_seeds": "ClassVar[bool]",
            "space": "ClassVar[Space]",
        },
        "torch_name": torch_name,
        "batches_seeds": torch_name in ELEMENTWISE,
        "space": _SPACES.get(torch_name, _ADAPTIVE),
    }
    optimizers.register(torch_name.lower())(type(f"Torch{torch_name}", (base,), own))


for _name in NAMES:
    _register(_name)
