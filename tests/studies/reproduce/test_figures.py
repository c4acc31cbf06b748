"""All figures of a reproduction: the same runs give the same bytes, words lie apart."""

from itertools import combinations

import pytest

from gfopt.errors import UnknownNameError
from gfopt.report.plot_style import save, use_style
from gfopt.studies.reproduce.claims import figure_kinds
from tests.studies.reproduce.figure_cases import FIGURES, drawn

ONE_OF_EACH_KIND = ["side by side", "layers", "histories", "final losses", "fit"]


def test_a_figure_of_each_kind_is_drawn_here():
    assert {name.replace(" ", "_") for name in ONE_OF_EACH_KIND} == set(figure_kinds)
    with pytest.raises(UnknownNameError, match="'histories'"):
        figure_kinds["history"]


@pytest.mark.usefixtures("rendered")
@pytest.mark.parametrize("name", ONE_OF_EACH_KIND)
def test_the_same_runs_give_the_same_png(name, tmp_path):
    for file in ("one.png", "two.png"):
        with use_style():
            save(FIGURES[name](), tmp_path / file)
    picture = (tmp_path / "one.png").read_bytes()
    assert picture == (tmp_path / "two.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20]) == 1425  # 9.5 inches at 150 dpi


@pytest.mark.parametrize("name", FIGURES)
def test_words_are_inside_the_figure_and_apart_from_each_other(name):
    with use_style():
        figure = drawn(FIGURES[name]())
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
