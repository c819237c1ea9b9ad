"""Files of the installed finn-plus that say what its flow needs; finn itself is not imported."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from quarl.host.errors import ToolError
from quarl.hw.tools.packages import package_places


def finn_file(path: str) -> Path:
    """A file of the installed finn-plus. Raises :class:`ToolError` where it is not there."""
    for place in package_places("finn"):
        if (place / path).is_file():
            return place / path
    raise ToolError(f"FINN+ must be installed with its file {path}", "none", "pip install finn-plus==1.6.1")


def dependencies() -> Iterator[tuple[str, dict[str, Any]]]:
    """What FINN+ would download, by its name: ``url``, and where it has one, ``commit`` and ``subdirectory``."""
    import yaml

    for kind in yaml.safe_load(finn_file("interface/external_dependencies.yaml").read_text()).values():
        for name, entry in kind.items() if isinstance(kind, dict) else ():
            if "url" in entry:
                yield name, entry
