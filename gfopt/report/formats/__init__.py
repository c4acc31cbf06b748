"""The formats of a table, one file each: a file in this folder is the registration."""

from gfopt.report.formats.base import Format, formats

__all__ = ["Format", "formats"]
