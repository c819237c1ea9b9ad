"""Errors that a user can cause: each states the rule, the value found and the fix."""
from __future__ import annotations

from typing import Any


class _Explained(Exception):
    """An error whose text reads ``RULE, found VALUE. Fix: FIX.``"""

    def __init__(self, rule: str, found: Any, fix: str):
        self.rule, self.found, self.fix = rule, str(found), fix
        super().__init__("%s, found %s. Fix: %s." % (rule.rstrip("."), self.found, fix.rstrip(".")))


class UserError(_Explained, ValueError):
    """A value, file or argument that breaks a rule."""


class ToolError(_Explained, RuntimeError):
    """Something outside the program (a compiler, a disk, a device) that does not do its part."""


class MismatchError(_Explained, RuntimeError):
    """Two layers of the chain disagree on a number. Never to be tolerated: it names the first difference."""


def missing_package(what: str, error: ModuleNotFoundError) -> ToolError:
    """The error to show where ``what`` needs a package that is not installed."""
    return ToolError("%s needs the package %s" % (what, error.name), "none",
                     "install it, or all of them by `pip install quarl-fpga`; of quarl, a board has quarl.host alone")
