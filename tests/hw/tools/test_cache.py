"""The cache: filled once, whole or not at all."""
from __future__ import annotations

import fcntl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from quarl.hw.tools import process
from quarl.hw.tools.cache import cache_folder, cached, digest


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUARL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_place(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder("kind", "key") == root / "kind" / "key"
    monkeypatch.delenv("QUARL_CACHE")
    assert cache_folder("kind", "key") == Path.home() / ".cache" / "quarl" / "kind" / "key"


def test_filled_once_even_by_many_at_a_time() -> None:
    fills = []

    def fill(stage: Path) -> None:
        fills.append(stage)
        (stage / "file").write_text("content")

    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: cached("kind", "key", fill), range(8)))
    assert len(fills) == len(folders) == 1
    assert (folders.pop() / "file").read_text() == "content"


def test_a_failed_fill_leaves_nothing(root: Path) -> None:
    def fill(stage: Path) -> None:
        (stage / "half").write_text("x")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached("kind", "key", fill)
    assert [file.name for file in (root / "kind").iterdir()] == [".key.lock"]


def test_a_wait_for_another_process_ends_when_everything_is_stopped(root: Path,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_stopped", threading.Event())
    (root / "kind").mkdir(parents=True)
    with open(root / "kind" / ".key.lock", "w") as other, ThreadPoolExecutor(1) as pool:
        fcntl.flock(other, fcntl.LOCK_EX)
        waiting = pool.submit(cached, "kind", "key", lambda stage: None)
        time.sleep(0.3)
        assert not waiting.done()
        process.stop_all()
        with pytest.raises(KeyboardInterrupt):
            waiting.result(timeout=5)
    assert not (root / "kind" / "key").exists()


def test_boundaries_count_in_a_digest() -> None:
    assert digest(["ab", b"c"]) != digest(["a", b"bc"]) != digest(["abc"])
    assert digest(["ab", "c"]) == digest([b"ab", b"c"])
