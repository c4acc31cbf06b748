import math
from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_hex

from gfopt.pictures import COLOURS, styled
from gfopt.reproduction import figures
from gfopt.reproduction.figures.functions import _fit
from gfopt.reproduction.figures.losses import _final_losses, _histories
from gfopt.reproduction.figures.panels import _layers, _side_by_side
from tests.reading.factory import history, missed, record
from tests.reading.test_reading_imports import loaded

LONG = "position_wise with learning_rate_multipliers=(1, 2, 3, 4), a label that is far too long"
FALLING = [2.4, 1.5, 0.9, 0.6, 0.49]
BROKEN = [2.4, math.nan, 0.9, math.inf, 1e30, math.nan]
POSITION_WISE = [[4], [3, 4], [2, 3, 4], [1, 2, 3, 4]]
TWO = [
    (record(label="position_wise", epochs=881, seconds=4.1), history(FALLING)),
    (record(epochs=2243.0, seconds=10.26), history(FALLING)),
]
BARE = {"target": None, "target_value": None, "chance": None, "class_prior": None}


def staged(search, descent, **given):
    """A run of two stages: losses of the start and the first stage's epochs, then the second's."""
    rows = [
        row.model_copy(update={"stage": 1 if i < len(search) else 2})
        for i, row in enumerate(history([*search, *descent]))
    ]
    return record(label="hybrid", loss=rows[-1].loss, **given), rows


HYBRID = [
    staged([9000.0, 3000.0], [3500.0, 2900.0], seed=1),
    staged([8000.0, 4000.0, 2700.0, 2600.0], [2800.0, 2500.0], seed=2),
    staged([9000.0, 6000.0, 5000.0], [5000.0, 4000.0], seed=3),
]
SEARCH = [
    (record(label="search", seed=s, loss=v), history([9e3, 4e3, v]))
    for s, v in ((1, 3e3), (2, 2e3))
]
ODD = [
    (record(label=LONG, seed=1), history(FALLING)),
    (missed(label=LONG, seed=2), history(BROKEN)),
    (missed(label="boom", status="diverged", loss=math.nan), history(BROKEN)),
    (missed(label="empty", loss=math.inf), history([])),
    (missed(label="nothing", replicas=3), history([math.nan, math.inf])),
    (record(label="zero", loss=0.0), history([1.0, 0.0, -1.0])),
]
S = np.random.RandomState(1).standard_normal((1, 500))
X = 2 * S**2 + 5

PICTURES = {
    "side by side": lambda: _side_by_side(TWO),
    "one method": lambda: _side_by_side(TWO[:1]),
    "odd methods": lambda: _side_by_side(ODD),
    "layers": lambda: _layers({"gradient_descent": [[1, 2, 3, 4]], "pw": POSITION_WISE}),
    "odd layers": lambda: _layers({"none": [], LONG: [[1]] * 300, "pw": POSITION_WISE, "[]": [[]]}),
    "deep layers": lambda: _layers({"deep": [range(30 - k, 31) for k in range(30)]}),
    "histories": lambda: _histories(HYBRID + SEARCH),
    "one history": lambda: _histories(SEARCH[:1]),
    "odd histories": lambda: _histories(ODD + HYBRID[:1]),
    "final losses": lambda: _final_losses({"a": [3.0, 5.0, 4.0], "b": [2.0]}, {"a": 3.5}),
    "odd losses": lambda: _final_losses(
        {LONG: [1.0, math.nan], "lost": [math.inf], "empty": [], "zero": [0.0]}, {"only": 2e4}
    ),
    "losses beyond": lambda: _final_losses({"a": [2.0, 3.0, 90.0, math.nan]}, {"a": 1.287446e-4}),
    "fit": lambda: _fit(S, X, X + 0.1, "2 s² + 5"),
    "odd fit": lambda: _fit(S, X, np.where(S > 0, np.inf, X), LONG * 3),
}
FILES = {
    "side_by_side": lambda path: figures.side_by_side(TWO, path),
    "layers": lambda path: figures.layers_in_an_epoch({"position_wise": POSITION_WISE}, path),
    "histories": lambda path: figures.histories(HYBRID + SEARCH, path),
    "final_losses": lambda path: figures.final_losses({"a": [3.0, 5.0]}, {"a": 3.5}, path),
    "fit": lambda path: figures.fit(S, X, X + 0.1, path, "2 s² + 5"),
}


def drawn(figure):
    """The figure after its layout."""
    with styled():
        figure.draw_without_rendering()
    return figure


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def titles(figure):
    return [ax.get_title(loc="left") for ax in figure.axes]


def levels(ax):
    """The heights of an axes' lines across."""
    return {line.get_ydata()[0] for line in ax.lines if list(line.get_xdata()) == [0, 1]}


@pytest.mark.parametrize("name", FILES)
def test_the_same_runs_give_the_same_png(name, tmp_path):
    for file in ("one.png", "two.png"):
        FILES[name](tmp_path / file)
    picture = (tmp_path / "one.png").read_bytes()
    assert picture == (tmp_path / "two.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20]) == 1425  # 9.5 inches at 150 dpi


@pytest.mark.parametrize("name", PICTURES)
def test_words_are_inside_the_picture_and_apart_from_each_other(name):
    with styled():
        figure = drawn(PICTURES[name]())
    words = [text for ax in figure.axes for text in (ax._left_title, *ax.texts)]
    words += [text for box in figure.legends for text in box.get_texts()]
    words += [figure._suptitle] if figure._suptitle else []
    boxes = [text.get_window_extent() for text in words if text.get_text()]
    for box in boxes:
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1 + 1
        assert box.y1 <= figure.bbox.y1 + 1
    assert not [1 for one, two in combinations(boxes, 2) if one.padded(-1).overlaps(two)]


def test_importing_the_figures_loads_neither_torch_nor_matplotlib():
    assert not loaded("import gfopt.reproduction.figures") & {"torch", "matplotlib", "scipy"}


# side_by_side


def test_a_panel_s_title_has_label_epochs_and_seconds():
    assert titles(_side_by_side(TWO)) == [
        "position_wise: 881 epochs, 4.1 s",
        "gradient_descent: 2243 epochs, 10.3 s",
    ]


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([missed()], "target not reached in 1000 epochs"),
        ([missed(status="diverged", epochs=12)], "diverged after 12 epochs"),
        ([record(replicas=4)], "40 epochs"),
        ([record(**BARE, status="budget")], "40 epochs, 1.25 s"),
        (
            [record(seconds=2.0), record(epochs=50), record(epochs=7)],
            "40 epochs, 1.25 s (median of 3 seeds)",
        ),
        (
            [record(), record(seed=2), missed()],
            "40 epochs, 1.25 s (median of 3 seeds; 2 got there)",
        ),
        (
            [record(), missed(), missed()],
            "median not reached (median of 3 seeds; 1 got there)",
        ),
        ([record(epochs=0.125, seconds=0.0377)], "0.125 epochs, 0.0377 s"),
    ],
)
def test_a_title_tells_misses_batches_and_medians(runs, words):
    figure = _side_by_side([(run, history(FALLING)) for run in runs])
    assert titles(figure)[0].replace("\n", " ") == f"gradient_descent: {words}"


def test_every_panel_has_target_chance_and_class_prior_on_a_shared_axis():
    figure = _side_by_side(TWO)
    one, two = figure.axes
    assert levels(one) == levels(two) == {0.5, 2.3026, 2.301}
    assert one.get_ylim() == two.get_ylim()
    assert legend(figure) == [
        "target train_loss < 0.5", "chance 2.3026", "class prior 2.301", "target reached",
    ]  # fmt: skip
    assert one.get_ylabel() == "train loss"


def test_panels_have_no_levels_where_there_are_none():
    figure = _side_by_side([(record(**BARE), history(FALLING))])
    assert levels(figure.axes[0]) == set()
    assert legend(figure) == []


def test_the_target_s_metric_is_what_is_drawn():
    accuracy = {"target": "valid_accuracy >= 0.9", "target_metric": "valid_accuracy"}
    run = record(**accuracy, target_value=0.9, chance=0.1, class_prior=0.106)
    ax = _side_by_side([(run, history(FALLING, valid_accuracy=0.7))]).axes[0]
    assert set(ax.lines[0].get_ydata()) == {0.7}
    assert ax.get_ylabel() == "validation accuracy"


def test_what_is_not_finite_is_a_gap_and_an_explosion_is_cut_off():
    ax = _side_by_side([(missed(), history(BROKEN))]).axes[0]
    gaps = [not math.isfinite(y) for y in ax.lines[0].get_ydata()]
    assert gaps == [False, True, False, True, False, True]
    assert ax.get_ylim()[1] == pytest.approx(4.8)  # twice the start


def test_a_panel_without_a_finite_reading_says_so():
    ax = _side_by_side([(missed(), history([math.nan, math.inf]))]).axes[0]
    assert [text.get_text() for text in ax.texts] == ["no readings"]


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (3, 1), (4, 2), (7, 3)])
def test_many_methods_take_rows_of_at_most_three(count, rows):
    figure = _side_by_side([(record(label=str(i)), history(FALLING)) for i in range(count)])
    assert len(figure.axes) == count
    grid = figure.axes[0].get_gridspec()
    assert (grid.nrows, grid.ncols) == (rows, math.ceil(count / rows))


CLOSE = {"target_value": 3.2494, "chance": 3.25063, "class_prior": 3.24904}


def test_levels_too_close_to_tell_apart_are_shown_magnified():
    falling = [17.0, *np.linspace(5, 3.2482, 200)]
    ax = _side_by_side([(record(**CLOSE), history(falling))]).axes[0]
    (inset,) = ax.child_axes
    assert levels(inset) == {3.2494, 3.25063, 3.24904}
    low, high = inset.get_ylim()
    assert low < 3.2482 < 3.25063 < high < 3.26
    assert inset.get_xlim()[1] == 201  # the last epoch is in it


@pytest.mark.parametrize(
    "losses", [[17.0, *np.linspace(16, 12, 50), 3.248], [17.0, *[4.0] * 50]], ids=["full", "far"]
)
def test_nothing_is_magnified_where_there_is_no_room_or_nothing_to_see(losses):
    assert not _side_by_side([(record(**CLOSE), history(losses))]).axes[0].child_axes


# layers_in_an_epoch


def cells(ax):
    """Rows from layer 1 on."""
    return np.asarray(ax.collections[0].get_array()).astype(int).tolist()


def test_cells_are_filled_where_a_stage_updates_a_layer():
    one, two = _layers({"gradient_descent": [[1, 2, 3, 4]], "pw": POSITION_WISE}).axes
    assert cells(one) == [[1], [1], [1], [1]]
    assert cells(two) == [[0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 1]]
    colours = [to_hex(rgba) for rgba in two.collections[0].to_rgba(np.array([0.0, 1.0]))]
    assert colours == ["#e6e6e6", COLOURS[0].lower()]


def test_layers_have_their_updates_an_epoch_on_the_right_and_the_output_on_top():
    figure = drawn(_layers({"position_wise": POSITION_WISE}))
    (ax,) = figure.axes
    totals = {text.xy[1]: text.get_text() for text in ax.texts}
    assert totals == {1: "1 update", 2: "2 updates", 3: "3 updates", 4: "4 updates"}
    assert all(text.xy[0] == 4.5 for text in ax.texts)
    assert ax.get_title(loc="left") == "position_wise: 10 layer updates an epoch"
    assert [text.get_text() for text in ax.get_yticklabels()] == ["1", "2", "3", "4 (output)"]
    assert not ax.yaxis_inverted()


def test_a_rule_that_updates_nothing_or_only_the_output_has_a_row_for_each_layer():
    figure = _layers({"gd": [[1, 2, 3]], "readout": [[3]], "none": []})
    assert cells(figure.axes[1]) == [[0], [0], [1]]
    assert [text.get_text() for text in figure.axes[2].texts] == ["0 updates"] * 3


# histories


def thick(ax):
    """The lines of median seeds, across the axes left out."""
    return [line for line in ax.lines if line.get_linewidth() == 2]


def test_losses_fall_on_a_logarithmic_axis_a_colour_a_rule_the_median_seed_thick():
    figure = _histories(HYBRID + SEARCH)
    (ax,) = figure.axes
    assert ax.get_yscale() == "log"
    assert [line.get_ydata()[-1] for line in thick(ax)] == [2900.0, 2000.0]
    assert [line.get_color() for line in thick(ax)] == list(COLOURS[:2])
    assert legend(figure)[:2] == [
        "hybrid: ends at 2900 (seed 1, the median of 3 seeds)",
        "search: ends at 2000 (seed 2, the lower median of 2 seeds)",
    ]


def test_the_stage_boundary_is_at_the_last_epoch_of_the_first_stage():
    figure = _histories(HYBRID[1:2])
    (ax,) = figure.axes
    (line,) = [line for line in ax.lines if list(line.get_ydata()) == [0, 1]]
    assert list(line.get_xdata()) == [3.0, 3.0]
    assert [text.get_text() for text in ax.texts] == ["stage 2 after epoch 3"]
    assert legend(figure) == ["hybrid: ends at 2500 (seed 2)", "where a seed's next stage begins"]


def test_each_seed_has_a_mark_at_its_own_boundary():
    (ax,) = _histories(HYBRID).axes
    marked = [line.get_xydata().tolist() for line in ax.lines if line.get_marker() == "D"]
    assert marked == [[[1.0, 3000.0]], [[3.0, 2600.0]], [[2.0, 5000.0]]]


def test_a_rule_that_is_another_s_first_stage_is_drawn_over_it():
    first = (record(label="search"), history([9000.0, 3000.0]))
    hybrid, search = thick(_histories([HYBRID[0], first]).axes[0])
    assert search.zorder > hybrid.zorder


def test_rules_without_stages_have_no_boundary():
    figure = _histories(SEARCH)
    assert not figure.axes[0].texts
    assert len(legend(figure)) == 1


def test_a_seed_without_a_loss_counts_as_infinity_in_the_median():
    lost = (missed(label="search", seed=3, loss=math.nan), history([9e3, math.nan]))
    assert legend(_histories([lost, *SEARCH])) == [
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
    figure = _final_losses({"search": [3.0, 5.0, 4.5], "adam": [6.0]}, {"search": 2.5})
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
    (ax,) = _final_losses({"a": [1.0, 2.0], "b": [3.0, 3.0, 3.0]}, {}).axes
    (points,) = [
        line for line in ax.lines if line.get_xdata()[0] == 3 and len(line.get_xdata()) > 2
    ]
    heights = points.get_ydata()
    assert len(set(heights)) == 3
    assert all(abs(y - 1) < 0.3 for y in heights)


def test_seeds_without_a_loss_are_told_and_count_as_infinity():
    (ax,) = _final_losses({"a": [1.0, math.nan, 2.0], "b": [math.inf, math.nan]}, {}).axes
    assert bars(ax) == [2.0]
    assert beside(ax) == [
        ["median 2", "1 of 3 seeds not finite"],
        ["median inf", "2 of 2 seeds not finite"],
    ]


def test_a_label_may_have_only_a_published_loss():
    figure = _final_losses({}, {"elsewhere": 2.0})
    assert drawn_by(figure.axes[0], "D") == [[2.0]]
    assert beside(figure.axes[0]) == [["no runs", "published 2"]]


def test_a_seed_far_beyond_the_bars_is_off_the_axis_and_told():
    (ax,) = _final_losses({"a": [2.0, 3.0, 2.5, 90.0], "b": [2.0]}, {}).axes
    assert 6 < ax.get_xlim()[1] < 8
    assert beside(ax) == [["median 2.75", "1 off the axis, up to 90"], ["2"]]
    assert [line.get_ydata() for line in ax.lines if line.get_marker() == ">"] == [[0]]


def test_negative_losses_are_all_on_the_axis():
    (ax,) = _final_losses({"a": [-2.0, 40.0]}, {"a": -5.0}).axes
    low, high = ax.get_xlim()
    assert low < -5 < 40 < high


def test_losses_of_different_size_are_on_a_logarithmic_axis():
    (ax,) = _final_losses({"es": [1e-4, 3e-4], "constant": [0.14]}, {}).axes
    assert ax.get_xscale() == "log"
    assert ax.get_xlim()[0] < 1e-4


# fit


def test_target_and_output_are_drawn_in_the_order_of_the_inputs_residuals_below():
    figure = _fit([[3.0, 1.0, 2.0]], [[9.0, 1.0, 4.0]], [9.5, 1.0, 3.0], "a title")
    above, below = figure.axes
    target, output = above.lines
    assert target.get_xydata().tolist() == [[1, 1], [2, 4], [3, 9]]
    assert output.get_xydata().tolist() == [[1, 1], [2, 3], [3, 9.5]]
    assert below.lines[-1].get_xydata().tolist() == [[1, 0], [2, -1], [3, 0.5]]
    assert above.get_title(loc="left") == "a title"


def test_outputs_that_are_not_finite_are_gaps_and_counted():
    above = _fit([1, 2, 3], [1, 2, 3], [1, math.inf, math.nan], "").axes[0]
    assert np.isnan(above.lines[1].get_ydata()).tolist() == [False, True, True]
    assert above.get_legend().get_texts()[1].get_text() == "network (2 of 3 outputs not finite)"
