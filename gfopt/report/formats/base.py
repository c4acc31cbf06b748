"""What a format is: a function from a table to text, registered under the name of the format.

csv and json carry full precision for programs; md and latex are rounded for readers. The terminal
has its own module, gfopt.report.terminal.
"""

from __future__ import annotations

from collections.abc import Callable

from gfopt.registry import Registry
from gfopt.report.table import Table

Format = Callable[[Table], str]
formats: Registry[Format] = Registry("format", "gfopt.report.formats")
