"""Files that are either whole or absent, whatever is killed or cut off."""
from quarl.host.files.whole import (
    PathLike,
    cannot_write,
    canonical_json,
    explained,
    recover,
    scratch_folder,
    sha256,
    staged_folder,
    write_bytes,
    write_json,
)

__all__ = [
    "PathLike",
    "cannot_write",
    "canonical_json",
    "explained",
    "recover",
    "scratch_folder",
    "sha256",
    "staged_folder",
    "write_bytes",
    "write_json",
]
