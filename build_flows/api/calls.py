"""What surrounds a call from Python: quiet unless it is to be verbose, clear about a package that is missing, and
without a trace of what third-party packages do to the process when they are first imported."""
from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator

from quarl.host.console import showing
from quarl.host.errors import missing_package


@contextlib.contextmanager
def call(name: str, verbose: bool = False) -> Iterator[None]:
    """Around the work of ``quarl.<name>``; ``verbose`` lets it print what the command prints on its way.

    Filters of warnings and the environment, which some packages change as they are imported, are as before afterwards.
    Raises ``ToolError`` for a package that is not installed.
    """
    try:
        with showing(verbose), warnings.catch_warnings(), _environment():
            yield
    except ModuleNotFoundError as error:
        raise missing_package("quarl." + name, error) from error


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
