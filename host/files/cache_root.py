"""Where everything is kept that is slow to make again."""
from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """``$QUARL_CACHE``, or ``~/.cache/quarl``. Creates nothing."""
    return Path(os.environ.get("QUARL_CACHE") or str(Path.home() / ".cache" / "quarl")).absolute()
