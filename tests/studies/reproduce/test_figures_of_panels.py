"""Figures with a panel for each optimizer: its runs (side_by_side), its layers in an epoch."""

import math

import numpy as np
import pytest
from matplotlib.colors import to_hex

from gfopt.report.plot_style import COLOURS
from gfopt.studies.reproduce.figures.layers import plot_layers
from gfopt.studies.reproduce.figures.side_by_side import plot_side_by_side
from tests.record_factory import history, missed, record
from tests.studies.reproduce.conftest import assert_facts
from tests.studies.reproduce.figure_cases import (
    BROKEN,
    FALLING,
    POSITION_WISE,
    TWO,
    drawn,
    legend,
    levels,
    titles,
)

BARE = {"target": None, "target_value": None, "chance": None, "class_prior": None}


# side_by_side


def test_a_panel_s_title_has_label_epochs_and_seconds():
    assert titles(plot_side_by_side(TWO)) == [
        "position_wise: 881 epochs, 4.1 s",
        "gradient_descent: 2243 epochs, 10.3 s",
    ]


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([missed()], "target not reached within 1000 epochs"),
        ([missed(status="diverged", epochs=12)], "diverged after 12 epochs"),
        ([record(replicas=4)], "40 epochs"),
        ([record(**BARE, status="budget")], "40 epochs, 1.25 s"),
        (
            [record(seconds=2.0), record(epochs=50), record(epochs=7)],
            "40 epochs, 1.25 s (median of 3 seeds)",
        ),
        (
            [record(), record(seed=2), missed()],
            "40 epochs, 1.25 s (median of 3 seeds; 2 reached it)",
        ),
        (
            [record(), missed(), missed()],
            "median not reached (median of 3 seeds; 1 reached it)",
        ),
        ([record(epochs=0.125, seconds=0.0377)], "0.125 epochs, 0.0377 s"),
    ],
)
def test_a_title_tells_censored_and_vectorized_seeds_and_medians(runs, words):
    figure = plot_side_by_side([(run, history(FALLING)) for run in runs])
    assert titles(figure)[0].replace("\n", " ") == f"gradient_descent: {words}"


def test_every_panel_has_target_chance_and_baseline_on_a_shared_axis():
    figure = plot_side_by_side(TWO)
    one, two = figure.axes
    assert levels(one) == levels(two) == {0.5, 2.3026, 2.301}
    assert one.get_ylim() == two.get_ylim()
    target, chance, baseline, end = legend(figure)
    assert_facts(target, "train_loss < 0.5")
    assert_facts(chance, "chance", "2.3026")
    assert_facts(baseline, "2.301")
    assert end == "target reached"
    assert one.get_ylabel() == "train loss"


def test_panels_have_no_levels_where_there_are_none():
    figure = plot_side_by_side([(record(**BARE), history(FALLING))])
    assert levels(figure.axes[0]) == set()
    assert legend(figure) == []


def test_the_target_s_metric_is_what_is_drawn():
    accuracy = {"target": "valid_accuracy >= 0.9", "target_metric": "valid_accuracy"}
    run = record(**accuracy, target_value=0.9, chance=0.1, class_prior=0.106)
    ax = plot_side_by_side([(run, history(FALLING, valid_accuracy=0.7))]).axes[0]
    assert set(ax.lines[0].get_ydata()) == {0.7}
    assert ax.get_ylabel() == "validation accuracy"


def test_what_is_not_finite_is_a_gap_and_an_explosion_is_cut_off():
    ax = plot_side_by_side([(missed(), history(BROKEN))]).axes[0]
    gaps = [not math.isfinite(y) for y in ax.lines[0].get_ydata()]
    assert gaps == [False, True, False, True, False, True]
    assert ax.get_ylim()[1] == pytest.approx(4.8)  # twice the first


def test_a_panel_without_a_finite_evaluation_says_so():
    ax = plot_side_by_side([(missed(), history([math.nan, math.inf]))]).axes[0]
    assert [text.get_text() for text in ax.texts] == ["no evaluations"]


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (3, 1), (4, 2), (7, 3)])
def test_many_methods_take_rows_of_at_most_three(count, rows):
    figure = plot_side_by_side([(record(label=str(i)), history(FALLING)) for i in range(count)])
    assert len(figure.axes) == count
    grid = figure.axes[0].get_gridspec()
    assert (grid.nrows, grid.ncols) == (rows, math.ceil(count / rows))


CLOSE = {"target_value": 3.2494, "chance": 3.25063, "class_prior": 3.24904}


def test_levels_too_close_to_tell_apart_are_shown_magnified():
    falling = [17.0, *np.linspace(5, 3.2482, 200)]
    ax = plot_side_by_side([(record(**CLOSE), history(falling))]).axes[0]
    (inset,) = ax.child_axes
    assert levels(inset) == {3.2494, 3.25063, 3.24904}
    low, high = inset.get_ylim()
    assert low < 3.2482 < 3.25063 < high < 3.26
    assert inset.get_xlim()[1] == 201  # the last epoch is in it


@pytest.mark.parametrize(
    "losses", [[17.0, *np.linspace(16, 12, 50), 3.248], [17.0, *[4.0] * 50]], ids=["full", "far"]
)
def test_nothing_is_magnified_where_there_is_no_room_or_nothing_to_see(losses):
    assert not plot_side_by_side([(record(**CLOSE), history(losses))]).axes[0].child_axes


# layers


def cells(ax):
    """Rows from layer 1 on."""
    return np.asarray(ax.collections[0].get_array()).astype(int).tolist()


def test_cells_are_filled_where_a_stage_updates_a_layer():
    one, two = plot_layers({"gradient_descent": [[1, 2, 3, 4]], "pw": POSITION_WISE}).axes
    assert cells(one) == [[1], [1], [1], [1]]
    assert cells(two) == [[0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 1]]
    colours = [to_hex(rgba) for rgba in two.collections[0].to_rgba(np.array([0.0, 1.0]))]
    assert colours == ["#e6e6e6", COLOURS[0].lower()]


def test_layers_have_their_updates_on_the_right_and_the_output_on_top():
    figure = drawn(plot_layers({"position_wise": POSITION_WISE}))
    (ax,) = figure.axes
    totals = {text.xy[1]: text.get_text() for text in ax.texts}
    assert totals == {1: "1 update", 2: "2 updates", 3: "3 updates", 4: "4 updates"}
    assert all(text.xy[0] == 4.5 for text in ax.texts)
    assert ax.get_title(loc="left") == "position_wise: 10 layer updates per epoch"
    assert [text.get_text() for text in ax.get_yticklabels()] == ["1", "2", "3", "4 (output)"]
    assert not ax.yaxis_inverted()


def test_an_optimizer_that_updates_nothing_or_only_the_output_has_a_row_for_each_layer():
    figure = plot_layers({"gd": [[1, 2, 3]], "readout": [[3]], "none": []})
    assert cells(figure.axes[1]) == [[0], [0], [1]]
    assert [text.get_text() for text in figure.axes[2].texts] == ["0 updates"] * 3
