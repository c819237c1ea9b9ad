"""The patched copy of FINN's RTL library."""
from __future__ import annotations

from pathlib import Path

import pytest

from quarl.host.errors import ToolError
from quarl.hw.engines.finn.library import copy_patched, original_library, patched_library
from quarl.hw.engines.finn.patches import PATCHES, Patch


def test_every_patch_changes_the_installed_library() -> None:
    for patch in PATCHES:
        before = (original_library() / patch.file).read_text()
        assert patch.apply(before) != before, patch.why


def test_nothing_else_is_changed() -> None:
    ours, theirs = patched_library(), original_library()
    changed = {str(file.relative_to(ours)) for file in ours.rglob("*")
               if file.is_file() and file.read_bytes() != (theirs / file.relative_to(ours)).read_bytes()}
    assert changed == {patch.file for patch in PATCHES}


def test_it_is_made_once() -> None:
    assert patched_library() == patched_library()


@pytest.mark.parametrize(("file", "message"), [("mvu/mvu.sv", "a file that it does not apply to"),
                                               ("mvu/gone.sv", "no such file")])
def test_a_patch_that_no_longer_applies(tmp_path: Path, file: str, message: str) -> None:
    patch = Patch(file, "a test", lambda text: text.replace("something that is not there", ""))
    with pytest.raises(ToolError, match=f"{file}: a test.*{message}"):
        copy_patched(original_library(), tmp_path, [patch])
