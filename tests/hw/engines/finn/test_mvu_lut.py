"""The compute engine `lut` against numpy: eight configurations under one stimulus, with random enables and resets."""
from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.host.devices.emulator import Emulator
from quarl.hw.emulation.emulator import build_emulator
from quarl.hw.engines.registry import ENGINES
from quarl.hw.shell.shell import write_shell
from quarl.hw.stitching.nodes import Node, Port
from quarl.hw.stitching.stitch import stitch

LATENCY = 3


class Config(NamedTuple):
    """One configuration: rows, columns, and widths in bits."""

    pe: int
    simd: int
    weight: int
    act: int
    acc: int
    signed: bool


CONFIGS = [Config(1, 1, 2, 2, 6, False), Config(4, 8, 4, 4, 14, False), Config(3, 5, 3, 8, 16, True),
           Config(2, 7, 8, 8, 24, False), Config(5, 3, 2, 3, 12, True), Config(1, 8, 8, 2, 18, False),
           Config(4, 1, 6, 5, 20, True), Config(2, 4, 5, 7, 16, False)]


def core() -> str:
    """A module with one `mvu` a configuration.

    An input beat carries en, last and zero in bits 0 to 2, weights from bit 8 and activations from bit 400 on. An
    output beat has 128 bits a configuration: vld, and p from bit 8 on.
    """
    ports = ["input ap_clk", "input ap_rst_n", "input [511:0] beat", "input fire", "output [1023:0] answer"]
    body = []
    for i, c in enumerate(CONFIGS):
        body.append(f"""
    wire vld{i}; wire [{c.pe * c.acc - 1}:0] p{i};
    mvu #(.PE({c.pe}), .SIMD({c.simd}), .WEIGHT_WIDTH({c.weight}), .ACTIVATION_WIDTH({c.act}), .ACCU_WIDTH({c.acc}),
        .SIGNED_ACTIVATIONS({int(c.signed)})) dut{i} (.clk(ap_clk), .rst(!ap_rst_n), .en(fire && beat[0]),
        .last(beat[1]), .zero(beat[2]), .w(beat[8 +: {c.pe * c.simd * c.weight}]), .a(beat[400 +: {c.simd * c.act}]),
        .vld(vld{i}), .p(p{i}));
    assign answer[{128 * i} +: 128] = 128'({{ p{i}, 7'b0, vld{i} }});""")
    return f"module mvu_bench_core ({', '.join(ports)});{''.join(body)}\nendmodule\n"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The bench as the only node of an accelerator: a beat of the input stream is a clock cycle."""
    place = tmp_path_factory.mktemp("mvu")
    for file in (Path(__file__).parent / "rtl" / "mvu_bench.v", ENGINES["lut"].replaces["mvu.sv"]):
        shutil.copy(file, place)
    (place / "mvu_bench_core.sv").write_text(core())
    commands = [f"add_files -norecurse {file}" for file in sorted(place.iterdir())]
    node = Node("bench", [*commands, "create_bd_cell -type module -reference mvu_bench bench"],
                [Port("in0_V", 512)], [Port("out0_V", 1024)])
    geometry = Geometry(Stream(1, 64, 8, 512), Stream(1, 128, 8, 1024))
    stitch([node], place / "out")
    write_shell(geometry, 0, place / "out")
    emulator = Emulator(build_emulator(place / "out", geometry, place), place / "out")
    yield emulator
    emulator.close()


def fields(bits: np.ndarray, start: int, count: int, width: int, signed: bool) -> np.ndarray:
    """Integers [N, count] out of bits [N, 512]."""
    part = bits[:, start:start + count * width].reshape(len(bits), count, width).astype(np.int64)
    values = (part << np.arange(width)).sum(axis=2)
    return values - ((values >> (width - 1)) << width) if signed else values


def expected(config: Config, bits: np.ndarray) -> list[np.ndarray]:
    """The sums [PE] that come out, in order, for the enabled cycles' bits [N, 512]."""
    weights = fields(bits, 8, config.pe * config.simd, config.weight, True).reshape(-1, config.pe, config.simd)
    acts = fields(bits, 400, config.simd, config.act, config.signed)
    products = (weights * acts[:, None, :]).sum(axis=2) * (1 - bits[:, 2:3].astype(np.int64))
    ends = np.flatnonzero(bits[:, 1])
    starts = np.concatenate([[0], ends + 1])[:len(ends)]
    sums = [products[start:end + 1].sum(axis=0) for start, end in zip(starts, ends, strict=True)]
    half = 1 << (config.acc - 1)
    return [(total + half) % (2 * half) - half for total in sums]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), enabled=st.floats(0.1, 1), last=st.floats(0, 1), zero=st.floats(0, 1),
       stall=st.floats(0, 0.9))
def test_against_numpy(bench: Emulator, seed: int, enabled: float, last: float, zero: float, stall: float) -> None:
    """Every sum that comes out of every configuration, and when: LATENCY enabled cycles after its last step."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (300, 512), dtype=np.uint8)
    for bit, probability in enumerate((enabled, last, zero)):
        bits[:, bit] = rng.random(300) < probability
    bits[-20:, :3] = [1, 0, 1]                  # drain the pipeline
    bench.reset()
    bench.stall(stall, stall, seed)
    out, _, _ = bench.stream(np.packbits(bits, axis=1, bitorder="little"), 300, 128, 10**6)
    answers = np.unpackbits(out, axis=1, bitorder="little").reshape(300, len(CONFIGS), 128)
    running = bits[:, 0] == 1
    for i, config in enumerate(CONFIGS):
        seen = answers[running, i]
        when = np.flatnonzero(seen[:, 0])
        assert when.tolist() == (np.flatnonzero(bits[running, 1]) + LATENCY).tolist(), config
        sums = fields(seen[when], 8, config.pe, config.acc, True)
        assert sums.tolist() == [total.tolist() for total in expected(config, bits[running])], config
