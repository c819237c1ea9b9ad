"""What the plots of a study show, against results made by hand."""
import re
import xml.etree.ElementTree

import plotly.graph_objects
import pytest

from quarl.build_flows.study import tables
from quarl.build_flows.study.report.marks import designs, front, policies, with_energy
from quarl.build_flows.study.report.plots import plots
from quarl.build_flows.study.report.static import write_plots
from tests.build_flows.study.report import study_rows
from tests.build_flows.study.report.study_rows import point, record


@pytest.fixture(scope="module")
def rows():
    return tables.lines(*study_rows.make_study())


@pytest.fixture(scope="module")
def shown(rows):
    return plots(rows)


def line(made, *figures):
    return tables.line(made, record(made, *figures))


def traces(shown, name, task="CartPole-v1", **filters):
    """Those that show, by their names."""
    return {trace["name"]: trace for plot in shown if plot.name == name for trace in plot.data
            if all(value in trace["meta"].get(key, [value]) for key, value in {"task": task, **filters}.items())}


def test_all_are_valid_plotly_figures_with_titled_axes(shown):
    assert [plot.name for plot in shown] == ["return_bits", "return_lut", "lut_bits", "latency_bits", "energy_bits",
                                             "lut_estimate", "heat_return", "heat_lut", "heat_lut"]
    for plot in shown:
        plotly.graph_objects.Figure(plot.data)                 # raises for a property that plotly does not have
        assert plot.summary and plot.x["title"]["text"] and plot.y["title"]["text"]


def test_returns_against_bits_with_fp32_as_a_line(shown):
    found = traces(shown, "return_bits", algo="", engine="")
    assert set(found) == {"ppo QAT", "ppo PTQ", "ppo fp32", "dqn QAT", "dqn PTQ", "dqn fp32"}
    assert (found["dqn QAT"]["x"], found["dqn QAT"]["y"]) == ([2, 4, 8], [339.0, 393.0, 396.0])
    assert found["dqn QAT"]["error_y"]["array"] == pytest.approx([(2 / 3) ** 0.5] * 3)
    assert (found["dqn PTQ"]["x"], found["dqn PTQ"]["y"]) == ([4], [309.0])
    assert (found["dqn fp32"]["x"], found["dqn fp32"]["y"]) == ([2, 8], [399.0, 399.0])
    assert found["ppo QAT"]["line"]["color"] == found["ppo fp32"]["line"]["color"] != found["dqn QAT"]["line"]["color"]
    assert set(traces(shown, "return_bits", "Pendulum-v1")) == {"ddpg QAT", "ddpg PTQ", "ddpg fp32"}
    assert set(traces(shown, "return_bits", algo="ppo", engine="rom")) == {"ppo QAT", "ppo PTQ", "ppo fp32"}


def test_return_against_luts_with_the_pareto_front(shown):
    found = traces(shown, "return_lut", algo="", engine="")
    assert set(found) == {"ppo QAT rom", "ppo QAT dsp", "Pareto front, ppo", "ppo fp32"}
    dsp = found["ppo QAT dsp"]
    assert sorted(zip(dsp["x"], dsp["y"], strict=True)) == [
        (6010.0, 439.0), (9010.0, 429.0), (9010.0, 459.0), (12010.0, 493.0)]
    assert dsp["error_x"]["array"] == pytest.approx([(200 / 3) ** 0.5] * 4)
    assert (found["Pareto front, ppo"]["x"], found["Pareto front, ppo"]["y"]) == (
        [2010.0, 3010.0, 4010.0], [439.0, 459.0, 493.0])
    assert found["ppo fp32"]["y"] == [499.0, 499.0]
    assert traces(shown, "return_lut", engine="dsp")["Pareto front, ppo"]["x"] == [6010.0, 9010.0, 12010.0]
    assert "ppo QAT rom" not in traces(shown, "return_lut", engine="dsp")
    assert traces(shown, "return_lut", "Pendulum-v1") == {}


def test_the_front_keeps_what_nothing_beats():
    def mark(lut, mean, seed):
        return designs([line(point("qat4", seed, engine="rom"), mean, lut, lut, 9)])[0]

    fine, worse, equal, best = mark(100, 5.0, 0), mark(120, 4.0, 1), mark(130, 5.0, 2), mark(130, 6.0, 3)
    assert front([best, equal, worse, fine]) == [fine, best]
    assert front([]) == []


def test_luts_and_latency_against_bits(shown):
    assert traces(shown, "lut_bits")["ppo QAT rom"]["y"] == [2010.0, 4010.0]
    assert traces(shown, "latency_bits")["ppo QAT dsp"]["y"] == [40.0, 80.0]
    assert traces(shown, "latency_bits")["ppo QAT dsp"]["x"] == [2, 4]       # mixtures are for the heat map


def test_energy_against_bits_is_an_estimate_with_its_range_as_bars(shown):
    plot = next(plot for plot in shown if plot.name == "energy_bits")
    assert all("estimate" in text.lower() for text in (plot.title, plot.summary, plot.y["title"]["text"]))
    found = traces(shown, "energy_bits", algo="", engine="")
    assert set(found) == {"ppo QAT rom"}                                    # the others have none
    rom = found["ppo QAT rom"]
    assert (rom["x"], rom["y"]) == ([2, 4], [41.0, 81.0])
    assert (rom["error_y"]["arrayminus"], rom["error_y"]["array"]) == ([20.5, 40.5], [123.0, 243.0])
    assert rom["hovertext"][0].endswith("<br>energy 41.0 (20.5 to 164.0) nJ an action, estimated")


def test_energy_is_that_of_the_seeds_that_have_it():
    """Results from before it was asked for have none."""
    marks = designs([line(point("qat4", seed, engine="rom"), 5.0, 9, 9, 9, energy)
                     for seed, energy in enumerate((None, 10.0, 20.0))])
    assert [mark.energy for mark in with_energy(marks)] == ["15.0 (7.5 to 60.0)"]
    assert marks[0].describe().endswith("<br>energy 15.0 (7.5 to 60.0) nJ an action, estimated")


def test_estimates_against_synthesis_name_the_error(shown):
    found = traces(shown, "lut_estimate", algo="", engine="")
    rom = found["ppo QAT rom"]
    at = rom["x"].index(2010.0)
    assert rom["y"][at] == 2211.0
    assert "LUT 2,010 synthesised, 2,211 estimated (+10.0 %)" in rom["hovertext"][at]
    assert found["equal"]["x"] == found["equal"]["y"] == [0, 12010.0]


def test_heat_maps_of_weights_and_activations(shown):
    heat = traces(shown, "heat_return")["ppo QAT"]
    assert (heat["x"], heat["y"]) == (["2", "4", "8"], ["2", "4", "8"])
    assert heat["z"] == [[439.0, 459.0, None], [429.0, 493.0, None], [None, None, 496.0]]     # a row: activations
    assert heat["text"][0] == ["439.0", "459.0", ""]
    assert traces(shown, "heat_lut", engine="dsp")["ppo QAT dsp"]["z"] == [[6010.0, 9010.0], [9010.0, 12010.0]]


def test_a_mark_says_what_it_is(rows):
    mark = next(mark for mark in designs(rows) if mark.label == "ppo QAT dsp" and mark["precision"] == "qatW4A2")
    assert mark.describe().split("<br>") == [
        "<b>CartPole-v1 ppo qatW4A2 dsp</b>", "4-bit weights, 2-bit activations, 8-bit input",
        "3 seeds, 2 episodes each", "return 459.0\u00a0±\u00a00.8", "LUT 9,010 synthesised, 9,911 estimated (+10.0 %)",
        "latency 60 cycles measured, 0.60\u00a0µs at 100 MHz"]
    assert mark.names == [point("qatW4A2", seed, engine="dsp").name for seed in (0, 1, 2)]


def test_policies_count_once_whatever_is_built_of_them():
    rows = [line(point("qat4", 0), 5.0), *(line(point("qat4", seed, engine=engine), 5.0, 1, 1, 1)
                                           for seed in (0, 1) for engine in ("rom", "dsp"))]
    mark, = policies(rows)
    assert [row["seed"] for row in mark.rows] == [0, 1] and mark.label == "ppo QAT"


def test_other_inputs_or_sizes_are_series_of_their_own():
    rows = [line(point("qat4"), 5.0), line(point("qat4", input_bits=4), 4.0)]
    assert [mark.label for mark in policies(rows)] == ["ppo QAT 8-bit input", "ppo QAT 4-bit input"]


def test_boards_are_series_of_their_own():
    rows = [line(point("qat4", engine="rom", board=board), 5.0, lut, lut, 9)
            for board, lut in (("pynq-z2", 100), ("kv260", 200))]
    assert [(mark.label, mark.mean("lut")) for mark in designs(rows)] == [
        ("ppo QAT rom pynq-z2", 100), ("ppo QAT rom kv260", 200)]
    assert [mark.label for mark in policies(rows)] == ["ppo QAT"]


def test_failures_and_parts_with_other_widths_are_not_plotted():
    failed = point("qat8")
    rows = [line(point("qatW8-3-8A4"), 5.0), tables.line(failed, {"error": "no"})]
    assert [mark["precision"] for mark in policies(rows)] == ["qatW8-3-8A4"]
    assert plots(rows) == []


def test_svg_files_have_the_figures_and_come_out_the_same_again(shown, tmp_path):
    chosen = [plot for plot in shown if plot.name in ("return_bits", "heat_lut")]
    paths = write_plots(chosen, tmp_path)
    assert [path.name for path in paths] == ["return_bits.svg", "heat_lut.svg"]
    for path in paths:
        xml.etree.ElementTree.parse(path)
    text = (tmp_path / "return_bits.svg").read_text()
    for part in ("Return against bits, CartPole-v1", "Return against bits, Pendulum-v1", "dqn fp32", "ddpg QAT"):
        assert part in text
    heat = (tmp_path / "heat_lut.svg").read_text()
    assert all(number in heat for number in ("2,010", "12,010", "ppo QAT dsp"))
    assert "nan" not in heat and not re.search(r"\d{4}-\d\d-\d\d", text)
    write_plots(chosen[:1], tmp_path)
    assert (tmp_path / "return_bits.svg").read_text() == text


def test_svg_bars_of_energy_reach_from_its_low_to_its_high(shown, tmp_path):
    path, = write_plots([plot for plot in shown if plot.name == "energy_bits"], tmp_path)
    text = path.read_text()
    assert "Energy per action, nJ, estimated" in text
    drawn = re.findall(r'<path d="([^"]+)"', text[text.index('id="LineCollection_1"'):])[:3]     # two bars, the line
    first, second, nominals = ([float(y) for y in re.findall(r"[ML] \S+ (\S+)", path)] for path in drawn)
    for (low, high), nominal in zip((first, second), nominals, strict=True):
        assert (nominal - high) / (low - nominal) == pytest.approx(6, rel=1e-4)     # from a half to four times
