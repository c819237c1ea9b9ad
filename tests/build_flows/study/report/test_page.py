"""The study's page: what it says, what it links to, that it loads nothing; and in a real browser, if there is one."""
import base64
import gzip
import html
import json
import os
import re
import shutil

import pytest

from quarl.build_flows import cli
from quarl.build_flows.study import parquet, results
from quarl.build_flows.study.grid import Row, Study
from quarl.build_flows.study.read import read_study
from quarl.build_flows.study.report import write_report
from tests.build_flows.study.report import chromium, study_rows


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of the made-up study; one of its runs has a report."""
    folder = tmp_path_factory.mktemp("study")
    run = folder / "runs" / study_rows.point("qat4", 1, engine="rom").name
    run.mkdir(parents=True)
    (run / "report.html").write_text("<title>the run's report</title>")
    return write_report(*study_rows.make_study(), folder / "kept", folder / "runs")


def test_the_plots_lie_beside_it_as_svg(page):
    assert {path.name for path in (page.parent / "plots").iterdir()} == {
        "return_bits.svg", "return_lut.svg", "lut_bits.svg", "latency_bits.svg", "energy_bits.svg", "lut_estimate.svg",
        "heat_return.svg", "heat_lut.svg"}


def text_of(source):
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", source)).split())


def test_says_what_is_measured_and_what_is_estimated(page):
    text = text_of(page.read_text())
    for part in ("Study made-up 70 points with a result, 1 of them failed",
                 "Measured: returns, over 2 fresh episodes a seed; fp32 and fp16 policies were played by torch; "
                 "quantised policies by the integer reference, which acts as the hardware does, bit for bit; designs "
                 "by the emulated RTL", "Synthesised: LUT, FF, DSP and BRAM are counts of Yosys",
                 "Estimated: energy per action, from toggles of the synthesised netlist, counted in its simulation, "
                 "and published figures of cells. It stands with the range that these leave open; no power was "
                 "measured.", "rom 12 10.0 % 10.0 % 12 of 12"):
        assert part in text


def test_without_energy_it_does_not_speak_of_it(tmp_path):
    made = study_rows.point("qat4", engine="dsp")
    study = Study("plain", (Row("core", made.task, made.algo, "", (made,)),), {})
    source = write_report(study, {made.name: study_rows.record(made, 5.0, 9, 9, 9)}, tmp_path, tmp_path).read_text()
    assert made.name in source and "energy" not in re.sub("<script.*?</script>", "", source, flags=re.DOTALL).lower()
    assert not (tmp_path / "plots" / "energy_bits.svg").exists()


def test_every_point_is_in_the_table_with_a_link_to_its_report_or_its_name(page):
    source = page.read_text()
    rows = {name: (json.loads(html.unescape(where)), text_of(row)) for name, where, row in re.findall(
        r'<tr id="([^"]+)" data-where="([^"]+)">(.*?)</tr>', source)}
    assert len(rows) == 70
    design = study_rows.point("qat4", 1, engine="rom").name
    assert rows[design] == (
        {"task": ["CartPole-v1"], "algo": ["", "ppo"], "engine": ["", "rom"]},
        f"CartPole-v1 ppo qat4 1 493.0 ± 1.0 rom balanced pynq-z2 4,010 4,411 +10.0 % 0 0 0 80 80 64.0 "
        f"81.0 (40.5 to 324.0) {design}")
    assert '<th scope="col" class="number">Energy per action, nJ, estimated (range)</th>' in source
    assert re.findall(r'<a href="([^"]+)"', source) == [f"../runs/{design}/report.html"]
    assert source.count('title="copy the name"') == 69
    assert 'title="does not fit &lt;the board&gt;">failed</span>' in source
    assert "failed rom balanced pynq-z2 – – – – – – – – – –" in rows[study_rows.point("qat8", engine="rom").name][1]
    without_energy = study_rows.point("qat4", engine="dsp").name
    assert rows[without_energy][1].endswith(f" 80 80 64.0 – {without_energy}")


def test_carries_plotly_once_and_loads_nothing(page):
    from plotly.offline import get_plotlyjs
    source = page.read_text()
    packed = re.findall(r'<script id="plotly" type="text/plain">([^<]+)</script>', source)
    assert [gzip.decompress(base64.b64decode(data)).decode() for data in packed] == [get_plotlyjs()]
    assert "default-src 'none'; " in source
    assert not re.findall(r"https?:|\bsrc\s*=|@import|\burl\(|\bfetch\(|XMLHttpRequest|<link|<iframe",
                          source.replace(packed[0], ""))


def test_without_results_it_says_so(tmp_path):
    source = write_report(Study("empty", (), {}), {}, tmp_path, tmp_path).read_text()
    assert "No point has a result to plot yet." in source and "<script" not in source and "<select" not in source
    assert not (tmp_path / "plots").exists()


@pytest.fixture
def small(tmp_path):
    """A study of two points, its file and the folder of its results."""
    yaml = tmp_path / "small.yaml"
    yaml.write_text("name: small\nepisodes: 2\ngroups:\n"
                    "  - {tasks: CartPole-v1, algos: ppo, steps: 512, precisions: [fp32, qat4], seeds: 0}\n")
    return read_study(yaml).points(), yaml, tmp_path / "results" / "small"


def test_the_command_writes_it_of_what_is_there_and_runs_nothing(small, capsys):
    points, yaml, kept = small
    results.write(kept, points[1], study_rows.record(points[1], 5.0))
    assert cli.main(["study", str(yaml), "--report"]) == 0
    assert f"report: {kept / 'report.html'}" in capsys.readouterr().out.replace("\n", "")
    assert "1 points with a result" in (kept / "report.html").read_text()
    assert {path.name for path in kept.iterdir()} - {parquet.RESULTS} == {"plots", "points", "report.html"}
    assert cli.main(["study", str(yaml), "--report", "--dry-run"]) == 2
    assert "not allowed with argument" in capsys.readouterr().err


def test_a_study_that_ends_writes_it_if_a_result_is_newer(small, tmp_path):
    points, yaml, kept = small
    for made in points:
        results.write(kept, made, study_rows.record(made, 5.0))
    report = kept / "report.html"

    def end():
        assert cli.main(["study", str(yaml), "--runs", str(tmp_path / "runs")]) == 0
        return report.read_text()

    assert "2 points with a result" in end()
    report.write_text("as it was")
    assert end() == "as it was"
    os.utime(report, (0, 0))
    assert "2 points with a result" in end()


# In Chromium.

@pytest.fixture(scope="module")
def tab(page, tmp_path_factory):
    if not chromium.installed():
        pytest.skip(f"no Chromium on the PATH ({', '.join(chromium.NAMES)}); Debian: apt-get install chromium")
    profile = tmp_path_factory.mktemp("chromium")
    with chromium.tab(profile) as tab:
        tab.open(page)
        tab.evaluate("ready")
        yield tab
    shutil.rmtree(profile, ignore_errors=True)


def choose(tab, **values):
    """Set the filters as a user does, and return the names of the traces that are drawn, by the figure's title."""
    for name, value in values.items():
        tab.evaluate(f"""(() => {{
            const select = document.querySelector('select[data-filter={name}]');
            select.value = {json.dumps(value)};
            select.dispatchEvent(new Event("change", {{ bubbles: true }}));
            return select.value; }})()""")
    return tab.evaluate("""Object.fromEntries([...document.querySelectorAll(".plot")]
        .filter((plot) => plot.checkVisibility())
        .map((plot) => [plot.closest("figure").querySelector("figcaption").textContent,
                        [...plot.querySelectorAll(".legendtext")].map((text) => text.textContent)]))""")


def rows_shown(tab):
    return tab.evaluate("rows.filter((row) => row.checkVisibility()).length")


def centre(tab, trace, title="Return against LUTs"):
    """Where the first mark of a trace of the plot of that title is on the screen."""
    return tab.evaluate(f"""(() => {{
        const plot = [...document.querySelectorAll(".plot")].find(
            (plot) => plot.getAttribute("aria-label").startsWith("{title}"));
        plot.scrollIntoView({{ block: "center", behavior: "instant" }});
        const index = plot.data.filter((trace) => trace.visible).findIndex((trace) => trace.name === "{trace}");
        const box = plot.querySelectorAll(".scatterlayer .trace")[index].querySelector("path.point")
            .getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2]; }})()""")


def hover(tab, trace, *title):
    """The text that appears over the first mark of ``trace``."""
    x, y = centre(tab, trace, *title)
    tab.mouse("mouseMoved", x, y)
    text = tab.evaluate("""new Promise((found) => { const look = () => {
        const text = document.querySelector(".hoverlayer .hovertext")?.textContent;
        text ? found(text) : requestAnimationFrame(look); }; look(); })""")
    return text, x, y


def click(tab, trace):
    text, x, y = hover(tab, trace)
    tab.mouse("mousePressed", x, y)
    tab.mouse("mouseReleased", x, y)
    return text


@pytest.mark.slow
def test_chromium_draws_what_the_filters_choose(tab):
    found = choose(tab, task="CartPole-v1", algo="", engine="")
    assert set(found) == {
        "Return against bits", "Return against LUTs", "LUTs against bits", "Latency against bits",
        "Energy per action against bits, estimated", "Estimate against synthesis",
        "Return by weights and activations: ppo QAT", "LUTs by weights and activations: ppo QAT rom",
        "LUTs by weights and activations: ppo QAT dsp"}
    assert found["Return against LUTs"] == ["ppo QAT rom", "ppo QAT dsp", "Pareto front, ppo", "ppo fp32"]
    assert rows_shown(tab) == 55
    found = choose(tab, engine="dsp")
    assert found["Return against LUTs"] == ["ppo QAT dsp", "Pareto front, ppo", "ppo fp32"]
    assert not {"LUTs by weights and activations: ppo QAT rom", "Energy per action against bits, estimated"} & {*found}
    assert rows_shown(tab) == 12
    assert choose(tab, engine="", algo="dqn") == {"Return against bits": ["dqn QAT", "dqn PTQ", "dqn fp32"]}
    assert choose(tab, task="Pendulum-v1", algo="") == {"Return against bits": ["ddpg QAT", "ddpg PTQ", "ddpg fp32"]}
    assert rows_shown(tab) == 15


@pytest.mark.slow
def test_chromium_names_a_point_and_a_click_opens_its_report_or_copies_its_name(tab):
    choose(tab, task="CartPole-v1", algo="ppo", engine="")
    assert "CartPole-v1 ppo qat4 dsp" in click(tab, "ppo QAT dsp")
    name = study_rows.point("qat4", 0, engine="dsp").name
    said = tab.evaluate("""new Promise((found) => { const look = () => said.textContent ? found(said.textContent)
                           : requestAnimationFrame(look); look(); })""")
    assert said.removeprefix("Copied: ") == name
    assert tab.evaluate("rows.filter((row) => row.matches('.picked')).length") == 3
    tab.mouse("mouseMoved", 1, 1)
    assert "CartPole-v1 ppo qat4 rom" in click(tab, "ppo QAT rom")
    report = study_rows.point("qat4", 1, engine="rom").name
    assert tab.evaluate("document.querySelector('tr.picked a').textContent") == report
    assert any(target["url"].endswith(f"/runs/{report}/report.html") for target in opened(tab))


def opened(tab):
    """The pages that the browser has open, once there are two."""
    while len(pages := [target for target in tab.call("Target.getTargets")["targetInfos"]
                        if target["type"] == "page" and target["url"] not in ("", "about:blank")]) < 2:
        pass
    return pages


@pytest.mark.slow
def test_chromium_shows_energy_as_an_estimate_with_its_range(tab):
    title = "Energy per action against bits, estimated"
    choose(tab, task="CartPole-v1", algo="ppo", engine="")
    tab.mouse("mouseMoved", 1, 1)
    text, _, _ = hover(tab, "ppo QAT rom", title)
    assert "CartPole-v1 ppo qat2 rom" in text and "energy 41.0 (20.5 to 164.0) nJ an action, estimated" in text
    axis, bar = tab.evaluate(f"""(() => {{
        const plot = [...document.querySelectorAll(".plot")].find(
            (plot) => plot.getAttribute("aria-label").startsWith("{title}"));
        const box = plot.querySelector(".errorbar path.yerror").getBoundingClientRect();
        const scale = plot._fullLayout.yaxis;
        return [plot.querySelector(".ytitle").textContent, box.height / (scale.l2p(20.5) - scale.l2p(164))]; }})()""")
    assert axis == "Energy per action, nJ, estimated" and bar == pytest.approx(1, abs=0.05)


@pytest.mark.slow
def test_chromium_loads_nothing_and_finds_no_fault(tab, page):
    choose(tab, task="Pendulum-v1", algo="", engine="")
    assert tab.requests()[0] == page.resolve().as_uri()
    assert [url for url in tab.requests()[1:] if not url.startswith("data:")] == []
    assert tab.complaints() == []
