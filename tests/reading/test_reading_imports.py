import subprocess
import sys


def loaded(statement):
    """The top-level modules that a fresh interpreter has after a statement."""
    code = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_reading_side_loads_neither_torch_nor_what_only_pictures_and_statistics_need():
    modules = loaded("import gfopt.tables, gfopt.plots, gfopt.formats, gfopt.terminal")
    assert not modules & {"torch", "matplotlib", "scipy"}


def test_the_report_command_loads_little_before_it_is_called():
    assert not loaded("import gfopt.cli.report") & {"torch", "matplotlib", "scipy"}
