"""Random features on MNIST: what the config promises, and what the features alone decide."""

from __future__ import annotations

import pytest

import gfopt

pytestmark = [pytest.mark.data, pytest.mark.long]


@pytest.mark.nightly
def test_random_features_and_a_ridge_output_reach_97_percent_of_mnists_test_images(
    real_data, tmp_path
):
    result = gfopt.run(
        "random_features_mnist", out=tmp_path, data=real_data, offline=True, settings=["seeds=1"]
    )
    record = result.records[0]
    assert (record.status, record.updates) == ("finished", 1)
    assert record.valid_accuracy >= 0.97
    assert record.forward_passes == 60000
    assert record.backward_passes == 0


def test_the_scale_of_the_first_layer_does_not_matter_with_relu_and_no_bias(real_data, tmp_path):
    """relu(c z) = c relu(z): only the ridge sees c."""
    losses = []
    for std in (0.25, 4.0):
        changed = [f"model.init.std={std}", f"optimizers.0.ridge={std**2}", "model.hidden=[300]"]
        settings = [*changed, "seeds=1", "precision=float64"]
        result = gfopt.run(
            "random_features_mnist", out=tmp_path, data=real_data, offline=True, settings=settings
        )
        losses.append(result.records[0].loss)
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)
