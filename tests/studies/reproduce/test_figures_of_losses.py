"""Figures of losses, their histories and where they end, and of a fitted function."""

import math

import numpy as np

from gfopt.report.plot_style import COLOURS
from gfopt.studies.reproduce.figures.final_losses import plot_final_losses
from gfopt.studies.reproduce.figures.fit import plot_fit
from gfopt.studies.reproduce.figures.histories import plot_histories
from tests.record_factory import history, missed, record
from tests.studies.reproduce.figure_cases import HYBRID, SEARCH, legend

# histories


def thick(ax):
    """The lines of median seeds, across the axes left out."""
    return [line for line in ax.lines if line.get_linewidth() == 2]


def test_losses_fall_on_a_logarithmic_axis_the_median_seed_is_thick():
    figure = plot_histories(HYBRID + SEARCH)
    (ax,) = figure.axes
    assert ax.get_yscale() == "log"
    assert [line.get_ydata()[-1] for line in thick(ax)] == [2900.0, 2000.0]
    assert [line.get_color() for line in thick(ax)] == list(COLOURS[:2])
    assert legend(figure)[:2] == [
        "hybrid: ends at 2900 (seed 1, the median of 3 seeds)",
        "search: ends at 2000 (seed 2, the lower median of 2 seeds)",
    ]


def test_the_stage_boundary_is_at_the_last_epoch_of_the_first_stage():
    figure = plot_histories(HYBRID[1:2])
    (ax,) = figure.axes
    (line,) = [line for line in ax.lines if list(line.get_ydata()) == [0, 1]]
    assert list(line.get_xdata()) == [3.0, 3.0]
    assert [text.get_text() for text in ax.texts] == ["stage 2 after epoch 3"]
    assert legend(figure) == ["hybrid: ends at 2500 (seed 2)", "start of a seed's next stage"]


def test_each_seed_has_a_mark_at_its_own_boundary():
    (ax,) = plot_histories(HYBRID).axes
    marked = [line.get_xydata().tolist() for line in ax.lines if line.get_marker() == "D"]
    assert marked == [[[1.0, 3000.0]], [[3.0, 2600.0]], [[2.0, 5000.0]]]


def test_an_optimizer_that_is_another_s_first_stage_is_drawn_over_it():
    first = (record(label="search"), history([9000.0, 3000.0]))
    hybrid, search = thick(plot_histories([HYBRID[0], first]).axes[0])
    assert search.zorder > hybrid.zorder


def test_optimizers_without_stages_have_no_boundary():
    figure = plot_histories(SEARCH)
    assert not figure.axes[0].texts
    assert len(legend(figure)) == 1


def test_a_seed_without_a_loss_counts_as_infinity_in_the_median():
    lost = (missed(label="search", seed=3, loss=math.nan), history([9e3, math.nan]))
    assert legend(plot_histories([lost, *SEARCH])) == [
        "search: ends at 3000 (seed 1, the median of 3 seeds)"
    ]


# final_losses


def bars(ax):
    return [bar.get_width() for bar in ax.patches]


def beside(ax):
    """The words on the right of each bar."""
    return [text.get_text().split("\n") for text in ax.texts]


def drawn_by(ax, marker):
    return [line.get_xdata().tolist() for line in ax.lines if line.get_marker() == marker]


def test_bars_are_medians_points_seeds_whiskers_the_range_and_published_values_marked():
    figure = plot_final_losses({"search": [3.0, 5.0, 4.5], "adam": [6.0]}, {"search": 2.5})
    (ax,) = figure.axes
    assert bars(ax) == [4.5, 6.0]
    assert drawn_by(ax, "o") == [[3.0, 5.0, 4.5], [6.0]]
    assert drawn_by(ax, "|") == [[3.0, 5.0]]
    assert drawn_by(ax, "D") == [[2.5]]
    assert beside(ax) == [["median 4.5", "published 2.5"], ["6"]]
    assert legend(figure) == ["median over seeds", "a seed", "range", "published"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["search", "adam"]
    assert ax.yaxis_inverted()  # the first on top
    assert ax.get_xlim()[0] == 0


def test_the_points_of_seeds_with_the_same_loss_are_apart_and_on_their_bar():
    (ax,) = plot_final_losses({"a": [1.0, 2.0], "b": [3.0, 3.0, 3.0]}, {}).axes
    (points,) = [
        line for line in ax.lines if line.get_xdata()[0] == 3 and len(line.get_xdata()) > 2
    ]
    heights = points.get_ydata()
    assert len(set(heights)) == 3
    assert all(abs(y - 1) < 0.3 for y in heights)


def test_seeds_without_a_loss_are_counted_and_are_infinite_in_the_median():
    (ax,) = plot_final_losses({"a": [1.0, math.nan, 2.0], "b": [math.inf, math.nan]}, {}).axes
    assert bars(ax) == [2.0]
    assert beside(ax) == [
        ["median 2", "1 of 3 seeds not finite"],
        ["median inf", "2 of 2 seeds not finite"],
    ]


def test_a_label_may_have_only_a_published_loss():
    figure = plot_final_losses({}, {"elsewhere": 2.0})
    assert drawn_by(figure.axes[0], "D") == [[2.0]]
    assert beside(figure.axes[0]) == [["no runs", "published 2"]]


def test_a_seed_far_beyond_the_bars_is_counted_as_off_the_axis():
    (ax,) = plot_final_losses({"a": [2.0, 3.0, 2.5, 90.0], "b": [2.0]}, {}).axes
    assert 6 < ax.get_xlim()[1] < 8
    assert beside(ax) == [["median 2.75", "1 off the axis, up to 90"], ["2"]]
    assert [line.get_ydata() for line in ax.lines if line.get_marker() == ">"] == [[0]]


def test_negative_losses_are_all_on_the_axis():
    (ax,) = plot_final_losses({"a": [-2.0, 40.0]}, {"a": -5.0}).axes
    low, high = ax.get_xlim()
    assert low < -5 < 40 < high


def test_losses_of_different_size_are_on_a_logarithmic_axis():
    (ax,) = plot_final_losses({"es": [1e-4, 3e-4], "constant": [0.14]}, {}).axes
    assert ax.get_xscale() == "log"
    assert ax.get_xlim()[0] < 1e-4


# fit


def test_target_and_output_are_drawn_in_the_order_of_the_inputs_residuals_below():
    figure = plot_fit([[3.0, 1.0, 2.0]], [[9.0, 1.0, 4.0]], [9.5, 1.0, 3.0], "a title")
    above, below = figure.axes
    target, output = above.lines
    assert target.get_xydata().tolist() == [[1, 1], [2, 4], [3, 9]]
    assert output.get_xydata().tolist() == [[1, 1], [2, 3], [3, 9.5]]
    assert below.lines[-1].get_xydata().tolist() == [[1, 0], [2, -1], [3, 0.5]]
    assert above.get_title(loc="left") == "a title"


def test_outputs_that_are_not_finite_are_gaps_and_counted():
    above = plot_fit([1, 2, 3], [1, 2, 3], [1, math.inf, math.nan], "").axes[0]
    assert np.isnan(above.lines[1].get_ydata()).tolist() == [False, True, True]
    assert above.get_legend().get_texts()[1].get_text() == "network (2 of 3 outputs not finite)"
