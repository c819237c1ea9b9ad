"""Where the cache is."""
from pathlib import Path

from quarl.host.files.cache_root import cache_root


def test_the_variable_wins_and_nothing_is_created(monkeypatch, tmp_path):
    monkeypatch.setenv("QUARL_CACHE", str(tmp_path / "cache"))
    assert cache_root() == tmp_path / "cache" and not cache_root().exists(), "only who fills it creates it"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUARL_CACHE", "near")
    assert cache_root() == tmp_path / "near", "absolute, whatever becomes of the working directory"


def test_without_the_variable_it_is_at_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for unset in (lambda: monkeypatch.setenv("QUARL_CACHE", ""), lambda: monkeypatch.delenv("QUARL_CACHE")):
        unset()
        assert cache_root() == Path(tmp_path, ".cache", "quarl"), "empty is as good as unset"
