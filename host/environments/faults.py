"""Faults of an environment, told as what they are: its name, its own exception in one line, and where that was."""
from __future__ import annotations

import traceback

from quarl.host.errors import UserError

TRACEBACK = "QUARL_TRACEBACK"          # in the process' environment: errors come with their traceback
_FIX = "mend the environment; with %s=1 set, the command shows the traceback" % TRACEBACK


def in_one_line(error: BaseException) -> str:
    """Its type, text, and the file and line that raised it, as in ``ValueError: no room (maze.py:31)``."""
    first = error
    while first.__cause__ is not None:              # Gymnasium raises some anew, with another text
        first = first.__cause__
    text = " ".join(str(error).split())
    text = text if len(text) <= 300 else text[:299] + "…"
    where = traceback.extract_tb(first.__traceback__)
    return "%s%s%s" % (type(error).__name__, ": " + text if text else "",
                       " (%s:%s)" % (where[-1].filename.rpartition("/")[2], where[-1].lineno) if where else "")


def fault(rule: str, error: BaseException) -> UserError:
    """The error that tells of an ``error`` of the environment's own, to be raised from it."""
    return UserError(rule, in_one_line(error), _FIX)
