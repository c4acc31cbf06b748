"""The sentences under a table: warnings, findings, footnotes."""
