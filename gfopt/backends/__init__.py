"""The backends: how an optimizer is computed. A new one is a new file or folder here."""

from gfopt.backends.base import Backend, Job, backends

__all__ = ["Backend", "Job", "backends"]
