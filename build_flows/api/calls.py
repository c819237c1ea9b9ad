"""What surrounds a call from Python: quiet unless it is to be verbose, and clear about a package that is missing."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator

from quarl.host.console import showing
from quarl.host.errors import missing_package


@contextlib.contextmanager
def call(name: str, verbose: bool = False) -> Iterator[None]:
    """Around the work of ``quarl.<name>``; ``verbose`` lets it print what the command prints on its way.

    Raises ``ToolError`` for a package that is not installed.
    """
    try:
        with showing(verbose):
            yield
    except ModuleNotFoundError as error:
        raise missing_package("quarl." + name, error) from error
