"""Published test samples: reported once, at the end of a run, and never stopped at."""

import torch
from safetensors.torch import load_file

import gfopt
from gfopt.datasets import datasets, prepare

CONFIG = {
    "name": "clothes",
    "dataset": {"name": "fashion_mnist", "scale": "unit", "validation": 2},
    "model": {"hidden": [5]},
    "loss": "cross_entropy",
    "optimizers": [{"name": "gradient_descent", "lr": 0.1}],
    "target": {"train_loss": 0.1},
    "budget": {"epochs": 3},
}


def run(folder, out, **dataset):
    config = CONFIG | {"dataset": CONFIG["dataset"] | dataset}
    return gfopt.run(config, data=folder, out=out, offline=True)


def right(folder, result, part):
    """The share of right answers on a part's samples, by a forward pass written here."""
    dataset = datasets["fashion_mnist"](scale="unit", validation=2)
    data = prepare(dataset, folder, precision="float32", offline=True)
    x, y = (torch.as_tensor(getattr(data, f"{name}_{part}")) for name in "xy")
    (record,) = result.records
    w = load_file(result.folder / "runs" / record.id / "weights.safetensors")
    hidden = torch.relu(x @ w["W1"].T + w["b1"].T)
    scores = hidden @ w["W2"].T + w["b2"].T
    return float((scores.argmax(1) == y).double().mean()), float(
        torch.nn.functional.cross_entropy(scores.double(), y)
    )


def test_with_held_out_training_samples_the_test_accuracy_is_reported(fashion, tmp_path):
    result = run(fashion, tmp_path / "out")
    (record,) = result.records
    accuracy, loss = right(fashion, result, "test")
    assert record.test_accuracy == accuracy
    assert abs(record.test_loss - loss) < 1e-5
    assert record.valid_accuracy == right(fashion, result, "valid")[0]
    assert result.table.rows[0]["test_accuracy"] == accuracy
    assert any(note.startswith("test_accuracy: ") for note in result.table.notes)


def test_where_the_test_samples_are_the_held_out_ones_they_are_the_accuracy(fashion, tmp_path):
    (record,) = run(fashion, tmp_path / "out", validation="test").records
    assert record.test_accuracy is None
    assert record.valid_accuracy is not None


def test_where_nothing_is_held_out_the_test_samples_are_not_read(fashion, tmp_path):
    for file in (fashion / "FashionMNIST" / "raw").glob("t10k*"):
        file.write_bytes(b"nobody looks")
    (record,) = run(fashion, tmp_path / "out", validation=None).records
    assert record.test_accuracy is record.valid_accuracy is None
