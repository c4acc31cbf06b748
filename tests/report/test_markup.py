import pytest

from gfopt.report.markup import write_list, write_table


def test_a_table_is_padded_and_aligned_by_column():
    assert write_table(["name", "n"], [["a", "1"], ["long name", "1000"]], [True, False]) == (
        "| name      |    n |\n| --------- | ---: |\n| a         |    1 |\n| long name | 1000 |"
    )


def test_without_alignment_every_column_is_text():
    assert write_table(["a", "b"], [["1", "2"]]).splitlines()[1] == "| --- | --- |"


def test_pipes_and_line_breaks_never_end_a_cell():
    header, _, row = write_table(["a|b"], [["c|d\ne"]]).splitlines()
    assert r"a\|b" in header
    assert r"c\|d e" in row


def test_a_table_without_rows_is_its_header():
    assert write_table(["a"], []) == "| a   |\n| --- |"


@pytest.mark.parametrize("arguments", [(["a"], [["1", "2"]]), (["a"], [], [True, False])])
def test_rows_and_alignment_fit_the_header(arguments):
    with pytest.raises(ValueError, match="zip"):
        write_table(*arguments)


def test_a_list_has_a_bullet_for_each_sentence():
    assert write_list(["One.", "Two."]) == "- One.\n- Two."
    assert write_list([]) == ""
