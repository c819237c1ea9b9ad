"""The patched copy of FINN's RTL library, made once per finn-plus version and patch table."""
from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Sequence
from pathlib import Path

from quarl.host.errors import ToolError
from quarl.host.files import explained
from quarl.hw.engines.finn.patches import PATCHES, Patch
from quarl.hw.tools.cache import cached, digest
from quarl.hw.tools.packages import package_places


def original_library() -> Path:
    """FINN's own RTL library inside the installed finn-plus; finn itself is not imported. Raises ToolError."""
    for place in package_places("finn"):
        if (place / "finn-rtllib").is_dir():
            return place / "finn-rtllib"
    raise ToolError("FINN's RTL library must be installed", "no finn/finn-rtllib folder on the Python path",
                    "pip install finn-plus==1.6.1")


def patched_library() -> Path:
    """Folder of the patched library, in the cache. Raises ToolError when a patch no longer applies."""
    source = original_library()
    version = importlib.metadata.version("finn-plus")
    table = (Path(__file__).with_name("patches.py").read_bytes(), Path(__file__).read_bytes())
    return cached("finn-rtllib", f"{version}-{digest(table)}", lambda stage: copy_patched(source, stage))


def copy_patched(source: Path, target: Path, patches: Sequence[Patch] = PATCHES) -> None:
    """Copy a library to ``target`` (a folder that exists) and apply the patches. Raises ToolError."""
    with explained(target):
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    for patch in patches:
        file = target / patch.file
        before = file.read_text() if file.is_file() else None
        after = patch.apply(before) if before is not None else None
        if after is None or after == before:
            raise ToolError(f"every patch must change FINN's RTL library ({patch.file}: {patch.why})",
                            "a file that it does not apply to" if before is not None else "no such file",
                            "install finn-plus==1.6.1, or adapt hw/engines/finn/patches.py to the new library")
        with explained(file):
            file.write_text(after)
