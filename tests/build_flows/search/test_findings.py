"""Parity, what is measured of a candidate and what not, and what is made of it."""
import pytest

from quarl.build_flows.search import outcome
from quarl.build_flows.search.estimate import Estimate
from quarl.build_flows.search.findings import Failed, Finding, find, find_reference, floor, ruled_out
from quarl.build_flows.search.reward_parity import Parity
from quarl.host.errors import ToolError, UserError
from tests.build_flows.search.search_work import SEARCH, Measure, candidate, estimate

REFERENCE = [[500.0, 500.0], [500.0, 500.0]]


@pytest.mark.parametrize(("text", "returns", "least"), [
    ("5%", [500, 500], 475), ("0%", [500, 400], 450), ("2.5%", [-100, -300], -205), ("std", [-100, -300], -300),
    ("std", [500, 500], 500)])
def test_floor(text, returns, least):
    assert Parity(text).floor(returns) == pytest.approx(least)


@pytest.mark.parametrize("text", ["five", "5", "-5%", "5 %", "", "nan%", "STD"])
def test_a_parity_that_is_none(text):
    with pytest.raises(UserError, match=f"--parity must be std, or a share of the fp32 policy's return such as 5%, "
                                        f"found {text}. Fix: pass --parity 5%"):
        Parity(text)


def test_seeds_are_compared_with_the_fp32_policies_of_the_same_seeds():
    assert floor(SEARCH, [[400.0, 400.0], [500.0, 500.0]], 1) == 380
    assert floor(SEARCH, [[400.0, 400.0], [500.0, 500.0]], 2) == 427.5


def found(of, measure):
    return find(SEARCH, of, estimate(SEARCH, of), REFERENCE, measure)


def test_what_is_short_with_one_seed_is_not_trained_with_others():
    measure = Measure()
    finding = found(candidate(2), measure)
    assert measure.titles == ["qatW8-2-8A8 seed 0"]
    assert not finding.parity and finding.run is None and finding.short == 375 and finding.mean == 100
    assert (finding.lut, finding.latency) == estimate(SEARCH, candidate(2))


def test_what_is_short_with_all_seeds_is_not_built():
    measure = Measure()
    finding = found(candidate(3, 16), measure)
    assert measure.titles == ["qatW8-3-8A8 h16x16 seed 0", "qatW8-3-8A8 h16x16 seed 1"]
    assert not finding.parity and finding.mean == 300 and finding.short == 175


def test_the_best_seed_at_parity_is_built(monkeypatch):
    measure = Measure()
    monkeypatch.setattr("tests.build_flows.search.search_work.returns_of", lambda point: [490.0 + point.seed] * 2)
    finding = found(candidate(3, 16), measure)
    assert measure.titles[2:] == ["qatW8-3-8A8 h16x16 rom min-area seed 1"]
    assert finding.parity and finding.run == measure.points[2].name and finding.mean == 490.5
    assert (finding.lut, finding.latency) == (estimate(SEARCH, candidate(3, 16)).lut + 7, 42)


@pytest.mark.parametrize("broken", ["seed 0", "seed 1", "rom"])
def test_failures(broken):
    with pytest.raises(Failed, match="it is broken"):
        found(candidate(3), Measure(broken=broken))
    if broken != "rom":
        with pytest.raises(ToolError, match=r"the fp32 policies, which a search compares with, must train, found it "
                                            r"is broken. Fix: correct the cause"):
            find_reference(SEARCH, Measure(broken=broken))


def finding(core, mean, lut, latency, built=True):
    hardware = {"synthesis": {"lut": lut}, "latency_cycles": latency} if built else None
    return Finding(candidate(core), Estimate(lut, latency), [[mean]], 0 if built else 1, hardware, "x" * built)


def test_only_what_is_found_at_parity_rules_out():
    some = [finding(3, 500, 1000, 50), finding(2, 100, 100, 10, built=False)]
    assert ruled_out(Estimate(1000, 50), some) == "no better than W8-3-8A8I8 h64"
    assert ruled_out(Estimate(1001, 51), some) and ruled_out(None, []) == "does not fit"
    assert ruled_out(Estimate(999, 51), some) is None and ruled_out(Estimate(1001, 49), some) is None


def test_chosen_and_pareto():
    small, fast, good = finding(3, 480, 900, 80), finding(4, 480, 1500, 20), finding(6, 500, 1600, 90)
    worse, equal = finding(5, 480, 1500, 30), finding(3, 480, 900, 80)
    tiny, poor = finding(2, 100, 300, 80, built=False), finding(7, 90, 300, 80, built=False)
    findings = [good, worse, fast, small, tiny, poor]
    assert outcome.pareto(findings) == [tiny, small, fast, good]
    assert outcome.pareto([small, equal]) == [small, equal]
    assert outcome.chosen(findings) is small
    assert outcome.chosen([small, finding(8, 500, 900, 70)]).candidate == candidate(8)
    assert outcome.chosen([tiny]) is None
    assert outcome.row(small, small) == ["W8-3-8A8I8 h64", "yes", "1", "480.0", "900", "80", "chosen"]
    assert outcome.row(tiny, small) == ["W8-2-8A8I8 h64", "no", "1", "100.0", "~300", "~80", ""]
    assert outcome.describe(small) | {"estimate": 0} == {
        "bits": {"weight": [8, 3, 8], "act": 8, "input": 8, "per_channel": False}, "hidden": 64, "parity": True,
        "seeds": 1, "return_mean": 480, "lut": 900, "latency_cycles": 80, "estimate": 0, "run": "x"}
