"""The matrix-vector-threshold unit against numpy, bit for bit and cycle by cycle: random nets, many in one emulator."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from quarl.hw.engines.mvtu.design import Design
from tests.hw.engines.mvtu.mvtu_bench import Bench, Log, Net, layer
from tests.hw.engines.mvtu.mvtu_nets import describe, features, random_codes, random_net
from tests.hw.engines.mvtu.mvtu_timing import interval, latency

VECTORS = 200
# Seed, nets, as gates. The second of seed 336 has a unit with one step a pass, as fast as the one that it reads from.
QUICK = ((0, 20, False), (1, 20, False), (2, 6, True), (336, 2, False))
EVERYTHING = {
    "tables", "digits", "dsp", "small", "balanced", "fast-clock", "lut ROM", "block ROM", "held", "replayed",
    "narrow beats", "wide beats", "odd share", "one input", "one output", "SIMD = MW", "PE = MH", "SIMD = 2^k - 1",
    "odd beats", "odd passes", "registers in the sum", "no total register", "long queue", "accumulators", "one row",
    "factored", "table", "bias", "fraction", "few thresholds", "ties", "out of reach", "signed codes",
    "codes from above 0"}
SETTLED = 20    # vectors after which all queues have reached their level


def random_nets(seed: int, count: int) -> tuple[list[Net], np.random.Generator]:
    """Nets and the generator that made them."""
    rng = np.random.default_rng(seed)
    return [random_net(rng) for _ in range(count)], rng


def make_bench(seed: int, count: int, folder: Path, gates: bool = False) -> Bench:
    nets, rng = random_nets(seed, count)
    return Bench(nets, [random_codes(net[0], VECTORS, rng) for net in nets], folder, gates)


def designs(net: Net) -> list[Design]:
    return [unit.design for unit in net]


def net_name(bench: Bench, net: int) -> str:
    """What a failure shows: the place in the list that the seed makes, and the units."""
    return "\n".join([f"net {net} of {len(bench.nets)}", *map(describe, bench.nets[net])])


def check_outputs(bench: Bench, log: Log) -> None:
    """Every stream, also those inside, carries exactly what numpy says, and holds beats until they are taken."""
    for i, (net, codes) in enumerate(zip(bench.nets, bench.stimuli, strict=True)):
        expected = codes
        for k, (stream, seen) in enumerate(zip(bench.streams[i], log[i], strict=True)):
            where = f"stream {k} of {net_name(bench, i)}"
            assert len(seen.cycles) == VECTORS * stream.beats, where
            assert seen.stable, where
            found = seen.data[seen.cycles].reshape(VECTORS, -1)
            np.testing.assert_array_equal(stream.unpack(found), expected, where)
            assert np.array_equal(found, stream.pack(expected)), f"the padding of {where}"
            if k < len(net):
                expected = layer(net[k], expected)


def check_latency(bench: Bench) -> None:
    """Vectors that come alone: every beat leaves in the cycle that the unit's properties predict."""
    period = max(latency(designs(net))[-1] + interval(designs(net)) for net in bench.nets) + 2
    go = np.zeros(4 * period, bool)
    go[::period] = True
    bench.reset(1)
    for i, (net, seen) in enumerate(zip(bench.nets, bench.run(go), strict=True)):
        expected = [start + 1 + leaves for start in np.flatnonzero(go) for leaves in latency(designs(net))]
        assert seen[-1].cycles.tolist() == expected, net_name(bench, i)


def check_interval(bench: Bench) -> None:
    """Vectors without pause: right, the first one as late as a lone one, all others in the predicted rhythm."""
    bench.reset(1)
    log = bench.play(lambda cycles: np.zeros((cycles, sum(map(len, bench.streams))), bool))
    check_outputs(bench, log)
    for i, net in enumerate(bench.nets):
        beats = log[i][-1].cycles.reshape(VECTORS, -1)
        assert (beats[0] - log[i][0].valid.argmax()).tolist() == latency(designs(net)), net_name(bench, i)
        assert set(np.diff(beats[SETTLED:, -1])) == {interval(designs(net))}, net_name(bench, i)


def random_stalls(bench: Bench, rng: np.random.Generator) -> Callable[[int], np.ndarray]:
    """Stalls of every stream in its own measure, from single cycles to long ones, never or nearly always."""
    measures = [(rng.choice([0, 0, 0.2, 0.5, 0.8]), rng.choice([1, 1, 4, 25])) for net in bench.streams for _ in net]

    def stalls(cycles: int) -> np.ndarray:
        return np.column_stack([np.repeat(rng.random(cycles // length + 1) < share, length)[:cycles]
                                for share, length in measures])
    return stalls


def check_stalls(bench: Bench, seed: int) -> None:
    """The same outputs under random stalls of all streams, those inside included."""
    bench.reset(1)
    check_outputs(bench, bench.play(random_stalls(bench, np.random.default_rng(seed))))


def check_reset(bench: Bench, seed: int) -> None:
    """Resets of one cycle and more, whatever is under way, leave nothing behind."""
    rng = np.random.default_rng(seed)
    for _ in range(5):
        cycles = int(rng.integers(1, 200))
        bench.run(np.ones(cycles, bool), random_stalls(bench, rng)(cycles))
        bench.reset(int(rng.integers(1, 4)))
    check_outputs(bench, bench.play(random_stalls(bench, rng)))


def test_the_nets_have_everything() -> None:
    units = [unit for seed, count, _ in QUICK for net in random_nets(seed, count)[0] for unit in net]
    found = set().union(*map(features, units))
    widths = {f"{bits}-bit {what}" for bits in range(2, 9)
              for what in ("weights", "signed inputs", "unsigned inputs", "codes")}
    assert (EVERYTHING | widths) - found == set()


@pytest.fixture(scope="module", params=QUICK, ids=lambda bench: f"seed{bench[0]}" + "-gates" * bench[2])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    seed, count, gates = request.param
    bench = make_bench(seed, count, tmp_path_factory.mktemp("mvtu"), gates)
    yield bench
    bench.close()


def test_latency_of_one_vector(bench: Bench) -> None:
    check_latency(bench)


def test_interval_between_vectors(bench: Bench) -> None:
    check_interval(bench)


def test_random_stalls(bench: Bench) -> None:
    check_stalls(bench, 0)


def test_reset_in_mid_stream(bench: Bench) -> None:
    check_reset(bench, 0)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=20, deadline=None, phases=[Phase.generate],      # an attempt to shrink would cost a build
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_many_nets(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Twenty times 25 nets; make_bench(seed, 25, folder) makes those of a failure again."""
    bench = make_bench(seed, 25, tmp_path_factory.mktemp("mvtu"))
    try:
        check_latency(bench)
        check_interval(bench)
        check_stalls(bench, seed)
        check_reset(bench, seed)
    finally:
        bench.close()
