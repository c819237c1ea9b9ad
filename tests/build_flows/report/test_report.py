"""The report of a run folder: what it says, what it leaves out, and that it loads nothing."""
from __future__ import annotations

import base64
import dataclasses
import gzip
import json
import os
import re
from pathlib import Path

import plotly.graph_objects
import pytest
import yaml

from quarl.build_flows.report import charts, figures, write_report
from quarl.build_flows.report.inputs import read_run
from quarl.build_flows.report.markup import Html, bar, join, safe, table, tag
from quarl.host import policy as package
from quarl.host.accelerator import description
from quarl.host.errors import ToolError, UserError
from quarl.host.files import write_json
from tests.build_flows.report.report_runs import (
    EVIL,
    Page,
    add_analysis,
    add_bitstream,
    add_log,
    configure,
    make_full_run,
    make_policy,
    make_run,
)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return Page(write_report(make_full_run(tmp_path_factory.mktemp("runs") / "cartpole")))


def test_headline_says_what_matters_first(full: Page) -> None:
    head = full.text.split("Training")[0]
    for part in ("CartPole-v1: cartpole", "PPO, seed 3 · pynq-z2, engine lut, folding min-latency", "W4 A4 I8",
                 "network 4-64-64-2", "Return, emulated RTL 495.0 ± 11.3 mean ± std of 10 episodes", "68 cycles",
                 "0.68 µs at 100 MHz", "24.0 %", "12,745 of 53,200", "✓ bit-exact",
                 "0 mismatches on 12,000 observations"):
        assert part in head


def test_every_section_shows_its_input(full: Page) -> None:
    for part in (
            "Best evaluation: 500.0 ± 0.0 over 100 episodes, after 49,152 steps.",
            "Compared with its own weights, unquantised, the quantised policy takes the same action on 98.8 % of 2,000 "
            "observations.",
            "of weights: -0.50 with the SQNR of each, -0.50 with that of the outputs.", "train/analysis.json",
            "The emulated RTL played 10 episodes (4,950 steps) at 3,808 steps/s: return 495.0 ± 11.3, from 463.0 to "
            "500.0.",
            "Compared on 12,000 observations: 8,000 visited by the policy and 4,000 random; 11,873 distinct",
            "torch = integer 1,560,000 0 ✓ equal",
            "Synthesised by Yosys for pynq-z2 in 74 s", "LUT 12,745 53,200 24.0 %", "Block RAM (36 kbit) 1.5 140 1.1 %",
            "LUT logic 11,893 LUT memory 852", "of which memory 852 17,400 4.9 %", "DSP48 0 220 0.0 %",
            "Last observation word to action valid, behind the bridge 68 67 0.68 µs",
            "Accelerator alone, first beat in to last beat out 61 – 0.61 µs",
            "6,250,000 inferences per second", "In the closed loop, median (68 to 71 cycles) 68",
            "This is an estimate, ECP5 (LFE5U-85F-6), and not the board's chip", "built for 100 MHz on pynq-z2.",
            "81.2 MHz, bridge included, placed and routed in 75 s by nextpnr 0.11.1. The slowest path takes 2.88 ns of "
            "logic in 10 levels and 9.44 ns of routing; it leads from layer 0, mvtu to layer 1, dot.sum.",
            "layer 1 dot.sum total 17 10 2.36 7.54", "accel/reports/fmax.json",
            "This is an estimate, xc7 cells: toggles of the synthesised netlist, counted in its simulation, times",
            "An action takes 28.6 (25.6 to 164) nJ, bridge included: 3.12 (1.55 to 6.37) nJ switch and 25.5 (24.0 to "
            "158) nJ leak in 75 cycles at 100 MHz, the mean of 128 actions. While it waits, the design takes 35.1 "
            "(32.8 to 212) mW.", "Look-up tables 5,000 0.450 1.10 2.25",
            "Routing, toggles × pins 20,000 0.500 1.20 2.30",
            "Clock pins, cycles 30,000 0.600 0.810 1.80", "Layer 1 0.950 2.30 4.55", "accel/reports/energy.json",
            "It is not the board's", "Device 213 µs 301 µs 513 µs",
            "Layer 1 64 → 64 4 4 32 16 8 9,876 10,411 7,345 0 81.7 %", "Layer 2 64 → 2 4 none 2 16 4",
            "AXI4-Lite bridge – 410 655 0 3.2 %", "Total 12,345 12,745",
            "torch 2.9.1", "finn-plus 1.6.1", "policy.result.mean_return 500.0", "config.settings.net_arch [64, 64]",
            "accel/reports/synth.json", "run/a.jsonl"):
        assert part in full.text
    assert "not in this run yet" not in full.text and "⚠" not in full.text and "Vivado" not in full.text


def test_reproduce_lists_the_commands_with_the_runs_values(full: Page) -> None:
    assert ("quarl train --task CartPole-v1 --algo ppo --weight-bits 4 --act-bits 4 --input-bits 8 --seed 3 "
            "--steps 100000 --out runs/cartpole quarl export runs/cartpole quarl build runs/cartpole --board pynq-z2 "
            "--compute lut --target synth --fold min-latency --max-lut-percent 70 --fmax --energy quarl run "
            "runs/cartpole --device emulator --episodes 10 --seed 0 quarl report runs/cartpole") in full.text


def test_charts_are_valid_plotly_figures_with_titled_axes(full: Page) -> None:
    training, weights, activations, relation, episodes, latency = full.charts()
    for figure in full.charts():
        plotly.graph_objects.Figure(figure)                    # raises for a property that plotly does not have
        axes = {name: axis for name, axis in figure["layout"].items() if name.startswith("xaxis")}
        assert all(axis["title"]["text"] for axis in axes.values())
    assert [len(figure["data"]) for figure in (weights, activations, relation)] == [6, 6, 4]
    assert {trace["xaxis"] for trace in weights["data"]} == {"x", "x2", "x3"}
    assert [trace.get("name") for trace in training["data"]] == [
        None, "± 1 std", "evaluation, mean", "training episodes", "target"]
    assert training["data"][2]["y"][-1] == 500.0
    assert len(training["data"][3]["x"]) == 47                 # the first row has no finished episode yet
    assert training["data"][4]["y"] == [500, 500]
    assert episodes["data"][0]["y"][2] == 487.0
    assert latency["data"][0]["x"] == [9.1, 212.6, 8.4, 12.2]
    assert "µs" in latency["layout"]["xaxis"]["title"]["text"]


def test_the_page_carries_plotly_once_and_loads_nothing(full: Page) -> None:
    from plotly.offline import get_plotlyjs
    packed = [data for attributes, data in full.scripts if attributes.get("id") == "plotly"]
    assert [gzip.decompress(base64.b64decode(data)).decode() for data in packed] == [get_plotlyjs()]
    page = full.source.replace(packed[0], "")
    assert not re.findall(r"""https?:|\b(?:src|href|action|srcset)\s*=|@import|\burl\(|\bfetch\(|XMLHttpRequest|"""
                          r"""\bimport\b\s*[({*"']|<link|<iframe""", page)
    policies = [meta["content"] or "" for meta in full.all("meta") if "http-equiv" in meta]
    assert policies[0].startswith("default-src 'none'; "), "the browser refuses every request"
    assert len(full.source) < 2_500_000


def test_page_is_accessible_and_well_formed(full: Page) -> None:
    assert full.open == [] and full.all("html") == [{"lang": "en"}]
    tables = len(full.all("table"))
    assert tables == len(full.all("caption")) > 8
    assert all(header.get("scope") in ("row", "col") for header in full.all("th"))
    plots = [div for div in full.all("div") if div.get("class") == "plot"]
    assert len(plots) == 6
    assert all(div["role"] == "img" and len(div["aria-label"] or "") > 40 for div in plots)
    assert {h2["id"] for h2 in full.all("h2") if "id" in h2} == {s["aria-labelledby"] for s in full.all("section")}
    assert len(full.all("h1")) == 1


def test_without_optional_inputs_each_section_names_its_command(tmp_path: Path) -> None:
    page = Page(write_report(make_run(tmp_path / "x")))
    for part in (
            "The training's evaluations are not in this run yet: quarl train --task CartPole-v1",
            "The analysis of quantisation is not in this run yet: quarl train --task CartPole-v1",
            "Episodes against the hardware are not in this run yet: quarl run runs/x --device emulator --episodes 20",
            "The comparison of torch, reference, FINN and RTL is not in this run yet: "
            "quarl build runs/x --target emulate",
            "Synthesis results are not in this run yet: quarl build runs/x --target synth",
            "The RTL's timing is not in this run yet: quarl build runs/x --target emulate",
            "An estimate of the clock, on an ECP5, is not in this run yet: quarl build runs/x --target synth --fmax",
            "An estimate of the energy of an action is not in this run yet: quarl build runs/x --target synth --energy",
            "The host's time per step is not in this run yet: quarl run runs/x --device emulator",
            "A dash is what is not known yet: quarl build runs/x --target synth finds it.",
            "Layer 0 4 → 64 4 4 – – – – – – – –", "W4 A4 I8", "not compared yet", "not synthesised yet"):
        assert part in page.text
    assert not page.all("script"), "no chart, no library"


@pytest.mark.parametrize("part", ["train/evaluations.json", "train/progress.csv", "train/analysis.json",
                                  "accel/accel.json",
                                  *(f"accel/reports/{name}.json"
                                    for name in ("parity", "estimate", "synth", "timing", "netlist", "fmax",
                                                 "energy")),
                                  "run/a.jsonl"])
def test_any_one_input_may_be_missing(tmp_path: Path, part: str) -> None:
    folder = make_full_run(tmp_path / "x")
    (folder / part).unlink()
    assert Page(write_report(folder)).open == []


def test_a_bitstream_beside_what_was_predicted(tmp_path: Path) -> None:
    folder = make_full_run(tmp_path / "x")
    add_bitstream(folder, tmp_path, seconds=1234.5, critical_warnings=[EVIL])
    page = Page(write_report(folder))
    for part in (
            "Build kit 0123456789ab… placed and routed by Vivado 2024.2 in 1,234 s for pynq-z2 at 100 MHz; FINN+ "
            "1.6.1, bridge at 0x40000000.",
            "setup 1.234 from top_i", "hold 0.021 from", "1 critical warnings " + EVIL,
            # Vivado, Yosys and its error, the model and its error
            "layer 0, LUT 300 1,034 +244.7 % 912 +204.0 %", "layer 0, Flip-flop 200 1,203 +501.5 % – –",
            "layer 0, DSP 4 0 -100.0 % 0 -100.0 %", "bridge, LUT 400 410 +2.5 % – –",
            "whole, LUT 700 12,745 +1,720.7 % 12,345 +1,663.6 %",
            "LUT 4,711 53,200 8.9 %", "Block RAM (36 kbit) 2.5 140 1.8 %",
            "--max-lut-percent 70 --fmax --energy quarl build runs/x --board pynq-z2 --compute lut --target bitstream "
            "--fold",
            "accel/reports/bitstream.json"):
        assert part in page.text, part
    assert page.open == [] and not page.all("img")
    description.write(dataclasses.replace(description.read(folder / "accel"), base_address=None), folder / "accel")
    assert "at 100 MHz; FINN+ 1.6.1, FINN's DMA shell." in Page(write_report(folder)).text


def test_a_design_that_no_ecp5_holds(tmp_path: Path) -> None:
    folder = make_full_run(tmp_path / "x")
    (folder / "accel/reports/fmax.json").unlink()
    description.write(dataclasses.replace(description.read(folder / "accel"), engine="dsp"), folder / "accel")
    text = Page(write_report(folder)).text
    assert "made on an ECP5, which has no DSP48 slices: there is none of this design." in text
    assert "--fmax" not in text


def test_all_text_is_escaped(tmp_path: Path) -> None:
    folder = make_full_run(tmp_path / "<b>run", task=EVIL)
    analysis = json.loads((folder / "train/analysis.json").read_text())
    write_json(folder / "train/analysis.json", {**analysis, "before": EVIL})
    config = yaml.safe_load((folder / "config.yaml").read_text())
    (folder / "config.yaml").write_text(yaml.safe_dump({**config, "note": EVIL, EVIL: "</script>"}))
    parity = folder / "accel/reports/parity.json"
    parity.write_text(json.dumps({**json.loads(parity.read_text()), "pairs": {EVIL: {"values": 1, "mismatches": 0}}}))
    page = Page(write_report(folder))
    assert EVIL in page.text and not page.all("img") and not page.all("b")
    assert not any("onerror" in attributes for _, attributes in page.elements)
    assert "'<img src=x" in page.text, "the shell command quotes the task"

    spec = charts.chart("t", "s", [{"name": "</script><b>&"}], {}, {}, Html(""))
    assert "</script><b>" not in spec
    assert json.loads(re.findall(r'json">(.*?)</script>', spec)[0])["data"] == [{"name": "</script><b>&"}]


def test_mismatches_are_said_in_the_headline_and_the_table(tmp_path: Path) -> None:
    text = Page(write_report(make_full_run(tmp_path / "x", mismatches=1234))).text
    assert "✗ 1,234 mismatches on 12,000 observations" in text and "✓ bit-exact" not in text
    assert "rtl = integer 1,560,000 1,234 ✗ differ" in text


def test_too_large_for_the_board_is_said(tmp_path: Path) -> None:
    folder = make_full_run(tmp_path / "x")
    synth = read_run(folder).synth
    assert synth is not None
    synth["total"].update(lut=60000, lut_logic=55000, lut_memory=5000)
    write_json(folder / "accel/reports/synth.json", synth)
    page = Page(write_report(folder))
    assert "LUT 60,000 53,200 112.8 % ✗ too many" in page.text
    assert 'style="width:100.00%"' in page.source


def test_parts_of_another_policy_are_pointed_out(tmp_path: Path) -> None:
    folder = make_full_run(tmp_path / "x")
    package.write(make_policy(seed=9), folder / "policy", b"onnx")
    text = Page(write_report(folder)).text
    assert "⚠ The accelerator was made from another policy" in text
    assert "⚠ The closed-loop run in run/a.jsonl is left out: it was played with another policy" in text
    assert "Return – not run in the loop yet" in text


def test_a_run_on_another_accelerator_is_left_out(tmp_path: Path) -> None:
    folder = make_full_run(tmp_path / "x")
    here = description.read(folder / "accel").hash
    (folder / "run/a.jsonl").unlink()
    add_log(folder, accelerator="f" * 64)
    text = Page(write_report(folder)).text
    assert ("⚠ The closed-loop run in run/a.jsonl is left out: it was played with another accelerator "
            f"(ffffffffffff…) than the one in this run ({here[:12]}…). Repeat `quarl run runs/x --device ") in text
    assert "Return – not run in the loop yet" in text and "In the closed loop, median" not in text


@pytest.mark.parametrize("accelerator", ["here", None, "unknown"])
def test_an_earlier_run_on_this_accelerator_is_taken(tmp_path: Path, accelerator: str | None) -> None:
    """Also of the processor, which has none, and of a log that does not say."""
    folder = make_full_run(tmp_path / "x")
    said = {"here": {"accelerator": description.read(folder / "accel").hash}, "unknown": {}}.get(
        accelerator or "", {"accelerator": None})
    (folder / "run/a.jsonl").unlink()
    add_log(folder, device="integer", **said)
    add_log(folder, "b.jsonl", accelerator="f" * 64)
    os.utime(folder / "run/a.jsonl", (1e9, 1e9))
    text = Page(write_report(folder)).text
    assert "run/b.jsonl is left out" in text and "Return, device integer 495.0" in text and "a.jsonl is" not in text


def test_an_accelerator_is_the_same_with_a_bitstream(tmp_path: Path) -> None:
    folder = make_full_run(tmp_path / "x")
    built = description.read(folder / "accel")
    assert dataclasses.replace(built, base_address=0x4000_0000).hash == built.hash
    assert len({built.hash, dataclasses.replace(built, engine="dsp").hash, dataclasses.replace(built, fold="100").hash,
                dataclasses.replace(built, board="kv260").hash}) == 4


def test_the_newest_whole_log_counts(tmp_path: Path) -> None:
    folder = make_full_run(tmp_path / "x")
    add_log(folder, "b.jsonl", device="integer")
    add_log(folder, "c.jsonl", finished=False)
    for age, name in enumerate(("c", "b", "a")):
        os.utime(folder / f"run/{name}.jsonl", (1e9 - age, 1e9 - age))
    text = Page(write_report(folder)).text
    assert "Return, device integer 495.0" in text and "run/b.jsonl" in text
    assert "It is not the board's" not in text, "only the emulator's time needs the remark"


def test_tensors_and_histograms_are_the_analysis(full: Page, tmp_path: Path) -> None:
    folder = make_full_run(tmp_path / "x")
    tensors = json.loads((folder / "train/analysis.json").read_text())["tensors"]
    for tensor in tensors:
        before, saturated = tensor["before"], "12.5 %" if tensor["layer"] else "–"
        assert (f"Layer {tensor['layer']} {tensor['kind']} {figures.significant(before['min'])} to "
                f"{figures.significant(before['max'])} {figures.significant(before['std'])} {before['spread']:.1f} "
                f"{tensor['sqnr_db']:.1f} {100 * tensor['after']['zeros']:.1f} % {saturated} "
                f"{100 * tensor['alone']['agreement']:.1f} %") in full.text
    _, *panels, relation, _, _ = full.charts()
    drawn = {"weights": panels[0]["data"], "activations": panels[1]["data"]}
    for tensor in tensors:
        kind = "weights" if tensor["kind"] == "weights" else "activations"
        line, dots = drawn[kind][2 * tensor["layer"]:][:2]
        assert line["y"] == [count or None for count in tensor["before"]["histogram"] for _ in "xx"]
        assert line["x"] == [edge + side for edge in range(-4, 4) for side in (0.0, 1.0)]
        assert dots == {**dots, "name": "after", "x": [i - 3.5 for i in range(8) if tensor["after"]["histogram"][i]],
                        "y": [count for count in tensor["after"]["histogram"] if count]}
        assert dots["xaxis"] == line["xaxis"] == ("x", "x2", "x3")[tensor["layer"]]
    assert relation["data"][0]["x"] == [t["before"]["spread"] for t in tensors if t["kind"] == "weights"]
    assert [trace["y"] for trace in relation["data"]] == [[20.25, 19.25, 18.25], [15.5, 14.5, 13.5], [19.25, 18.25],
                                                          [14.5, 13.5]]


def test_a_run_quantised_after_training_says_what_it_lost(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "y")
    add_analysis(folder)
    configure(folder, ptq={"source": "somewhere/float", "format": "int", "method": "max", "percentile": None})
    result = {"mean_return": 480.0, "source_mean_return": 500.0, "episodes": 20}
    package.write(dataclasses.replace(make_policy(), provenance={"result": result}), folder / "policy", b"onnx")
    text = Page(write_report(folder)).text
    assert ("Compared with the fp32 policy, the quantised policy takes the same action on 98.8 % of 2,000 observations."
            " Its mean return is 480.0 over 20 episodes, in fp32 500.0: a change of -20.0.") in text
    assert "The evaluations of its training are in runs/float ." in text and "not in this run yet: quarl tr" not in text


def test_what_models_analysis_writes_is_shown(tmp_path: Path) -> None:
    from quarl.models.actors.bits import Bits
    from quarl.models.export.package import export_run
    from quarl.models.training.train import TrainConfig, train
    folder = tmp_path / "x"
    train(TrainConfig("CartPole-v1", folder, bits=Bits(4, 3, 6, per_channel=True), steps=512,
                      settings={"net_arch": [8, 8, 8]}))
    export_run(folder)
    page = Page(write_report(folder))
    assert "Layer 3 activations" in page.text and "analysis of quantisation is not" not in page.text
    _, weights, *_ = page.charts()
    plotly.graph_objects.Figure(weights)
    assert weights["layout"]["grid"]["rows"] == 2 and weights["layout"]["xaxis4"]["title"]["text"] == "weights, layer 3"
    assert sum(weights["data"][-1]["y"]) == 8 * 2
    assert "--set 'net_arch=[8, 8, 8]'" in page.text


def test_same_inputs_same_page_and_nothing_else_in_the_folder(tmp_path: Path) -> None:
    folder = make_full_run(tmp_path / "x")
    before = sorted(folder.rglob("*"))
    path = write_report(folder)
    assert path.read_bytes() == write_report(folder).read_bytes() and path == folder / "report.html"
    assert sorted(folder.rglob("*")) == sorted([*before, path])


def test_no_run_folder_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must hold a readable config.yaml, found No such file .* `quarl train` made"):
        write_report(tmp_path)
    for text, message in (("task: [", "must hold a readable config.yaml, found while parsing"),
                          ("seed: 1", "config.yaml must name the task"),
                          ("task: CartPole-v1", "a policy package is a folder with manifest.json")):
        (tmp_path / "config.yaml").write_text(text)
        with pytest.raises(UserError, match=re.escape(message)):
            write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_damaged_inputs_are_named(tmp_path: Path) -> None:
    folder = make_full_run(tmp_path / "x")
    for name, text, message in (
            ("accel/reports/synth.json", '{"total": {', "synth.json must be readable JSON"),
            ("accel/reports/synth.json", "{}", "must have the fields that this version of quarl writes"),
            ("run/a.jsonl", "no json\n", "a run log must be JSON lines, each with a type, found Expecting value")):
        good = (folder / name).read_text()
        (folder / name).write_text(text)
        with pytest.raises(UserError, match=re.escape(message)):
            write_report(folder)
        (folder / name).write_text(good)
    assert not (folder / "report.html").exists()


def test_full_disk_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run(tmp_path / "x")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(ToolError, match="No space left on device"):
        write_report(folder)
    monkeypatch.undo()
    assert {path.name for path in folder.iterdir()} == {"config.yaml", "policy"}


def test_numbers_read_well() -> None:
    space = figures.SPACE
    assert [figures.count(v) for v in (53200, 1.5, 16.0)] == ["53,200", "1.5", "16"]
    assert figures.count(100, "MHz") == f"100{space}MHz"
    assert figures.count(None) == figures.real(None) == figures.percent(None) == figures.microseconds(None) == "–"
    assert figures.percent(12.345) == f"12.3{space}%"
    assert [figures.microseconds(v) for v in (0.683, 12.34, 1234.5)] == [f"{t}{space}µs" for t in
                                                                        ("0.68", "12.3", "1,234")]
    assert [figures.significant(v) for v in (0.01008, 2.0, 123.4, None)] == ["0.0101", "2.00", "123", "–"]
    assert [figures.share(v) for v in (0.125, None)] == [f"12.5{space}%", "–"]
    assert figures.mean_std(-1234.5, 2) == f"-1,234.5{space}±{space}2.0"
    assert [figures.size(v) for v in (999, 12345)] == [f"999{space}B", f"12.3{space}kB"]
    assert [figures.bits(v) for v in ([], [4, 4], [3, 6, 4])] == ["–", "4", "3–6"]


def test_markup_escapes_unless_told_otherwise() -> None:
    assert (safe("<a>"), safe(Html("<a>"))) == ("&lt;a&gt;", "<a>")
    assert tag("p", "<", Html("<br>"), class_="x\"y", aria_label=None) == '<p class="x&quot;y">&lt;<br></p>'
    assert join(["<", Html("<br>")]) == "&lt;\n<br>"
    assert re.findall(r"width:([\d.]+)%", bar((80, "logic"), (60, "memory"), (-3, "x"))) == ["80.00", "20.00", "0.00"]
    with pytest.raises(ValueError, match="zip"):
        table("c", ["a", "b"], "l", [])
