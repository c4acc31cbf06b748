import math
import re
from itertools import pairwise

import pytest
from matplotlib.figure import Figure

from gfopt.records.record import Status, TargetResult
from gfopt.report.curves import PICTURES, draw, make_figure
from gfopt.report.plot_style import assign_strokes, scale_x, use_style
from tests.record_factory import history, missed, record

pytestmark = pytest.mark.usefixtures("rendered")

FALLING = [2.3, 1.5, 0.9, 0.6, 0.49]


@pytest.fixture
def race():
    """Two seeds with counted passes, one optimizer without, one that diverges."""
    records = [
        record(seed=1),
        record(seed=2),
        missed(label="adam", forward_passes=None, backward_passes=None),
        missed(label="boom", status="diverged", replicas=2),
    ]
    histories = [
        history(FALLING),
        history([loss * 1.1 for loss in FALLING]),
        history(FALLING[:-1], forward_passes=None, backward_passes=None),
        history([2.3, 1e9, 1e30, math.inf, math.nan]),
    ]
    return records, histories


@pytest.mark.parametrize("kind", PICTURES)
def test_the_same_runs_give_the_same_bytes(race, kind, tmp_path):
    for name in ("one", "two"):
        draw(*race, tmp_path / name, kind)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def words(race, tmp_path):
    """The picture's SVG, which has its words as comments."""
    draw(*race, tmp_path / "curves.svg", "svg")
    return (tmp_path / "curves.svg").read_text("utf-8")


def test_the_picture_names_labels_levels_and_what_is_missing(race, tmp_path):
    text = words(race, tmp_path)
    for expected in (
        "gradient_descent",
        "target train_loss &lt; 0.5",
        "chance level 2.3026",
        "constant-predictor baseline 2.301",
        "target reached",
        "target not reached",
        "not counted: adam",
        "not measured (vectorized seeds): boom",
        "forward + backward passes (of single samples)",
    ):
        assert f"<!-- {expected} -->" in text


def test_a_panel_that_no_run_can_fill_says_so(tmp_path):
    one = ([record()], [history(FALLING, forward_passes=None, backward_passes=None)])
    assert "<!-- not counted -->" in words(one, tmp_path)


def test_the_target_s_metric_is_what_is_drawn(tmp_path):
    accuracy = {"target": "valid_accuracy >= 0.9", "target_metric": "valid_accuracy"}
    run = record(**accuracy, target_value=0.9, chance=0.1, class_prior=0.106)
    text = words(([run], [history(FALLING, valid_accuracy=0.5)]), tmp_path)
    assert "<!-- validation accuracy -->" in text
    assert "<!-- constant-predictor baseline 10.6 % -->" in text


def test_each_experiment_has_panels_of_its_own(tmp_path):
    two = ([record(experiment="one"), record(experiment="two")], [history(FALLING)] * 2)
    text = words(two, tmp_path)
    assert text.count("<!-- epochs -->") == 2


def test_runs_without_target_evaluations_or_levels_can_be_drawn(tmp_path):
    bare = {"target": None, "target_value": None, "chance": None, "class_prior": None}
    draw([record(**bare), record(**bare)], [history([]), history([1.0])], tmp_path / "a.png", "png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def staged(losses, *stages, **given):
    """A history whose evaluations are of these stages."""
    rows = history(losses, **given)
    return [row._replace(stage=s) for row, s in zip(rows, stages, strict=True)]


def uprights(text):
    """Where each vertical line of the SVG stands, from left to right, and its colour."""
    found = re.findall(
        r'<path d="M ([\d.]+) [\d.]+ \nL \1 [\d.]+ \n?" '
        r'clip-path="[^"]+" style="fill: none; stroke: (#\w+); stroke-opacity: 0.6;',
        text,
    )
    return [(float(x), colour.upper()) for x, colour in found]


def test_each_boundary_between_stages_stands_in_every_panel_in_its_runs_colour(tmp_path):
    bare = {"target": None, "target_value": None, "chance": None, "class_prior": None}
    plain, two = record(label="plain", **bare), record(label="two", **bare)
    race = [plain, two], [history(FALLING), staged(FALLING, 1, 1, 1, 2, 3)]
    text = words(race, tmp_path)
    found = uprights(text)
    assert [colour for _, colour in found] == ["#D55E00"] * 6
    assert found == sorted(found)  # evaluations 2 and 3 of each panel
    wide = [b - a for (a, _), (b, _) in zip(found[::2], found[1::2], strict=True)]
    assert wide == pytest.approx([wide[0]] * 3, abs=1e-5)
    assert text.count("<!-- next stage -->") == 1


def test_a_boundary_is_left_out_of_a_panel_that_lacks_its_cost(tmp_path):
    uncounted = {"forward_passes": None, "backward_passes": None}
    race = [record(replicas=2)], [staged(FALLING, 1, 1, 2, 2, 2, **uncounted)]
    text = words(race, tmp_path)
    assert len(uprights(text)) == 1
    assert "<!-- not counted -->" in text
    assert "<!-- not measured (vectorized seeds) -->" in text


def test_a_run_of_one_stage_looks_like_a_run_without(race, tmp_path):
    records, histories = race
    without = words(race, tmp_path)
    for stage in (1, 2):
        made = [[row._replace(stage=stage) for row in rows] for rows in histories]
        assert words((records, made), tmp_path) == without
    assert "next stage" not in without


@pytest.mark.parametrize("first", [1e-4, 0.3, 1.0, 2000.0])
@pytest.mark.parametrize("ratio", [11, 90, 110, 900, 1100, 1e5])
def test_the_numbers_below_a_logarithmic_panel_are_apart(first, ratio):
    with use_style():
        figure = Figure(figsize=(3.3, 3.9), layout="constrained")  # a panel's
        ax = figure.subplots()
        ax.plot([0, first, ratio * first], [3, 2, 1])
        scale_x(ax, [first, ratio * first])
        figure.draw_without_rendering()
        low, high = ax.get_xlim()
        shown = [t for t in ax.get_xticklabels() if low <= t.get_position()[0] <= high]
        boxes = [text.get_window_extent() for text in shown if text.get_text()]
    assert len(boxes) >= 2
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_lines_that_share_a_colour_differ_in_their_dashes():
    drawn = [tuple(stroke.values()) for stroke in assign_strokes(map(str, range(30))).values()]
    assert len(set(drawn)) == 30
    assert {dash for _, dash in drawn[:8]} == {"-"}


def many(seeds, **given):
    """Runs of so many seeds, of which the first three missed."""
    return [(record if s > 3 else missed)(seed=s, epochs=10.0 * s, **given) for s in seeds]


def panels(runs):
    """The panels of a picture of these runs."""
    return make_figure(runs, [history([2.0, 0.4]) for _ in runs]).axes


def test_from_ten_seeds_on_the_success_rate_is_drawn():
    ax = panels(many(range(1, 11)))[0]
    xs, ys = ax.lines[0].get_data()
    assert list(xs) == [40.0, *[10.0 * s for s in range(4, 11)], 100.0]
    assert list(ys) == pytest.approx([0.0, *[i / 10 for i in range(1, 8)], 0.7])
    assert len(panels(many(range(1, 10)))[0].lines) > 9


def test_success_rates_have_a_row_of_panels_for_each_target_at_its_own_costs():
    def hits(run):
        """A first target at half the cost, which every run has reached."""
        one, two = (
            {name: getattr(run, name) for name in TargetResult.model_fields} for _ in range(2)
        )
        first = one | {"target": "easy", "status": Status.REACHED, "epochs": run.epochs / 2}
        return [TargetResult(**first), TargetResult(**two)]

    runs = [run.model_copy(update={"hits": hits(run)}) for run in many(range(1, 11))]
    easy, hard = panels(runs)[::3]
    assert easy.get_ylabel() == "success rate, easy"
    assert list(easy.lines[0].get_xdata()) == [5, *range(5, 51, 5), 50]
    assert hard.get_ylabel() == "success rate, train_loss < 0.5"
    assert list(hard.lines[0].get_ydata()) == pytest.approx(
        [0.0, *[i / 10 for i in range(1, 8)], 0.7]
    )
