"""A search's mechanism: what is tried, what is ruled out, resuming, and its storage."""
import dataclasses
import signal
import sqlite3
import subprocess
import sys

import optuna
import pytest

from quarl.build_flows.search import outcome, run
from quarl.build_flows.search.reward_parity import Parity
from quarl.build_flows.search.storage import Storage
from quarl.host.errors import ToolError, UserError
from tests.build_flows.search import search_work
from tests.build_flows.search.search_work import SEARCH, Measure, candidate, search


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A search that nothing disturbed: its result, its trials, what was measured."""
    measure = Measure()
    return *search(tmp_path_factory.mktemp("search"), measure), measure


def test_a_search_finds_small_policies(whole):
    result, trials, measure = whole
    assert result.least == 475 and len(result.findings) == 6
    assert result.ruled_out == sum(trial.state == "PRUNED" for trial in trials)
    first, best = result.findings[0], outcome.chosen(result.findings)
    assert first.candidate == candidate() and first.parity
    assert best.candidate.core >= 3 and best.candidate.hidden >= 24 and best.lut < first.lut / 2
    built = [point for point in measure.points if point.engine]
    assert len(built) == sum(finding.parity for finding in result.findings) < 6
    for number, each in enumerate(result.findings):         # nothing was trained that could not be better
        assert not any(other.parity and other.estimate.as_good_as(each.estimate) for other in result.findings[:number])


def test_an_equal_search_is_equal_and_a_longer_one_goes_on(whole, tmp_path):
    first, trials, measure = whole
    again = Measure()
    assert search(tmp_path, again) == (first, trials)
    assert again.titles == measure.titles                   # equal searches are equal
    (tmp_path / "optuna.db").unlink()                       # the results would stay
    assert search(tmp_path, Measure()) == (first, trials)
    longer, more = search(tmp_path, Measure(), trials=7)
    assert longer.findings[:6] == first.findings and more[:len(trials)] == trials and len(longer.findings) == 7


class Killed(BaseException):
    pass


def killed():
    raise Killed


@pytest.mark.parametrize("last", [3, 9])
def test_a_search_that_was_cut_off_goes_on_as_if_it_was_not(whole, tmp_path, last):
    with pytest.raises(Killed):
        search(tmp_path, Measure(last, killed))
    assert search(tmp_path, Measure())[:2] == whole[:2]


@pytest.mark.slow
def test_kill_9(whole, tmp_path):
    ended = subprocess.run([sys.executable, "-m", search_work.__name__, str(tmp_path), "9"], capture_output=True,
                           text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert search(tmp_path, Measure())[:2] == whole[:2]


def test_the_search_ends_where_nothing_better_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "MISSES", 3)
    result, trials = search(tmp_path, Measure(), estimating=lambda *_: search_work.estimate(SEARCH, candidate()))
    assert (len(result.findings), result.ruled_out, len(trials)) == (1, 3, 4)
    assert search(tmp_path, Measure(), estimating=lambda *_: search_work.estimate(SEARCH, candidate()))[1] == trials


def test_what_does_not_fit_is_not_trained(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "MISSES", 3)
    measure = Measure()
    result, _ = search(tmp_path, measure, estimating=lambda *_: None)
    assert result.findings == () and measure.titles == ["fp32 seed 0", "fp32 seed 1"]
    assert "W8A8I8 h64: does not fit" in capsys.readouterr().out


def test_a_candidate_that_fails_does_not_stop_the_search(tmp_path, capsys):
    result, trials = search(tmp_path, Measure(broken="qat8 seed"), trials=3)
    assert result.failed == 1 and trials[0].state == "FAIL" and len(result.findings) == 3
    shown = capsys.readouterr().out
    assert "failed: it is broken" in shown and "trial 1 of 3: W8A8I8 h64, about 3172 LUT, 74 cycles; none at" in shown


def test_a_result_that_is_gone_and_cannot_be_made_again(tmp_path, capsys):
    search(tmp_path, Measure(), trials=2)
    result, _ = search(tmp_path, Measure(broken="qat8"), trials=2)
    assert result.failed == 1 and len(result.findings) == 2
    assert "W8A8I8 h64: failed: it is broken" in capsys.readouterr().out


def test_a_search_whose_candidates_all_fail_stops(tmp_path):
    with pytest.raises(ToolError, match=r"a search must be able to measure its candidates, found 3 in a row that "
                                        r"failed, the last with: it is broken. Fix: correct the cause"):
        search(tmp_path, Measure(broken="qat"))
    assert len(search(tmp_path, Measure(), trials=2)[0].findings) == 2


@pytest.mark.parametrize(("changes", "message"), [
    ({"parity": Parity("std")}, "of a search with parity 5% instead of std"),
    ({"task": "Acrobot-v1"}, "of a search with task CartPole-v1 instead of Acrobot-v1"),
    ({"steps": 1024}, "of a search with steps 512 instead of 1024"),
    ({"board": "kv260"}, "of a search with board pynq-z2 instead of kv260")])
def test_a_folder_holds_one_search(tmp_path, changes, message):
    Storage(tmp_path, SEARCH)
    before = (tmp_path / "optuna.db").read_bytes()
    with pytest.raises(UserError, match=f"a folder holds one search, found .*optuna.db, {message}. Fix: repeat that "
                                        "search's options, or choose another --out"):
        Storage(tmp_path, dataclasses.replace(SEARCH, **changes))
    assert (tmp_path / "optuna.db").read_bytes() == before


def test_a_storage_of_someone_else(tmp_path):
    optuna.create_study(storage=f"sqlite:///{tmp_path}/optuna.db", study_name="theirs")
    with pytest.raises(UserError, match=r"a folder holds one search, found .*with Optuna's study theirs. Fix"):
        Storage(tmp_path, SEARCH)


def overwritten(path):
    path.write_bytes(b"not a database, but long enough to be taken for a damaged one" * 100)


def holed(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2:] = bytes(len(data) - len(data) // 2)
    path.write_bytes(data)


def foreign(path):
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE studies (id INTEGER)")
        database.execute("CREATE TABLE version_info (id INTEGER)")


@pytest.mark.parametrize("damage", [overwritten, holed, foreign])
def test_a_damaged_storage(tmp_path, damage):
    search(tmp_path, Measure(), trials=2)
    path = tmp_path / "optuna.db"
    damage(path)
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"the storage of a search must be a whole SQLite file of Optuna's that can be "
                                        r"written, found .* in .*optuna.db. Fix: restore it, or delete it: results "):
        search(tmp_path, Measure())
    assert path.read_bytes() == before or damage is foreign
