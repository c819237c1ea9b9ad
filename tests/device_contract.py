"""What every device must do. Derive a test class, with fixtures ``make`` and ``policy``, to hold devices to it."""
from __future__ import annotations

import itertools

import numpy as np
import pytest

from quarl.host.errors import UserError
from quarl.host.policy import Policy, codec
from quarl.host.policy.integer import accumulators


def random_codes(policy: Policy, count: int, seed: int) -> np.ndarray:
    """Input codes int8 [count, features] over the whole range."""
    low, high = policy.input_range
    return np.random.default_rng(seed).integers(low, high + 1, (count, policy.features)).astype(np.int8)


class DeviceContract:
    """``make`` returns a closed device of ``policy``."""

    def test_open_and_close_twice(self, make, policy):
        device, codes = make(), random_codes(policy, 1, 0)
        device.close()
        for _ in range(2):
            device.open()
            device.step(codes[0])
            device.open()
            assert device.stats()["inferences"] == 1, "opening an open device does nothing"
            assert np.array_equal(device.step(codes[0]).accumulators, accumulators(policy, codes)[0])
            device.close()
            device.close()

    @pytest.mark.parametrize("opened_before", [False, True])
    def test_a_closed_device_does_nothing(self, make, policy, opened_before):
        device, codes = make(), random_codes(policy, 2, 0)
        if opened_before:
            device.open()
            device.close()
        for use in (lambda: device.step(codes[0]), lambda: device.step_many(codes), device.reset, device.stats):
            with pytest.raises(UserError, match=r"^a device must be open, found a closed one"):
                use()

    def test_the_context_manager_closes_on_an_error(self, make, policy):
        device = make()
        with pytest.raises(ZeroDivisionError), device:
            raise ZeroDivisionError
        with pytest.raises(UserError, match=r"^a device must be open"):
            device.step(random_codes(policy, 1, 0)[0])
        with device:
            device.step(random_codes(policy, 1, 0)[0])

    def test_equals_the_reference(self, make, policy):
        codes = random_codes(policy, 100, 1)
        codes[0], codes[1] = policy.input_range
        with make() as device:
            replies = [device.step(row) for row in codes]     # kept: a later step must not change an earlier reply
        for reply in replies:
            assert reply.accumulators.dtype == np.int32
            assert reply.cycles is None or reply.cycles > 0
        assert np.array_equal([reply.accumulators for reply in replies], accumulators(policy, codes))

    def test_many_steps_are_the_steps(self, make, policy):
        codes = random_codes(policy, 20, 2)
        with make() as device:
            many, single = device.step_many(codes), [device.step(row) for row in codes]
            assert device.stats()["inferences"] == 40
            assert device.step_many(codes[:0]) == []
        assert len(many) == 20
        for together, alone in zip(many, single, strict=True):
            assert together.accumulators.dtype == np.int32
            assert np.array_equal(together.accumulators, alone.accumulators) and together.cycles == alone.cycles

    def test_takes_codes_that_are_not_contiguous(self, make, policy):
        codes = random_codes(policy, 4, 3)
        wide = np.repeat(codes, 2, axis=1)
        with make() as device:
            assert np.array_equal([device.step(row[::2]).accumulators for row in wide], accumulators(policy, codes))
            assert np.array_equal([reply.accumulators for reply in device.step_many(wide[:, ::2])],
                                  accumulators(policy, codes))

    def test_a_reset_clears_the_counters(self, make, policy):
        codes = random_codes(policy, 3, 4)
        with make() as device:
            for row in codes:
                device.step(row)
            assert device.stats()["inferences"] == 3
            device.reset()
            assert device.stats()["inferences"] == 0
            replies = [device.step(row) for row in codes[:2]]
            found = device.stats()
        assert found["inferences"] == 2
        assert np.array_equal([reply.accumulators for reply in replies], accumulators(policy, codes[:2]))
        cycles = [reply.cycles for reply in replies]
        if None not in cycles:
            assert (found["latency_min"], found["latency_max"], found["latency_sum"]) == (
                min(cycles), max(cycles), sum(cycles))

    def test_refuses_other_codes(self, make, policy):
        codes = random_codes(policy, 3, 5)
        n, (low, high) = policy.features, policy.input_range
        rule = f"^input codes must be int8 \\[{n}\\], found "
        with make() as device:
            for wrong, found in ((codes[0][:-1], f"int8 \\[{n - 1}\\]"), (codes, f"int8 \\[3, {n}\\]"),
                                 (codes[0].astype(np.float32), f"float32 \\[{n}\\]"),
                                 (codes[0].astype(np.int64), f"int64 \\[{n}\\]"),
                                 (codes[0].view(np.uint8), f"uint8 \\[{n}\\]"), (codes[0, 0], "int8 \\[\\]")):
                with pytest.raises(UserError, match=rule + found):
                    device.step(wrong)
            for wrong in (codes[0], codes.astype(np.int16), codes[:, 1:], codes[None]):
                with pytest.raises(UserError, match=f"^input codes must be int8 \\[N, {n}\\], found "):
                    device.step_many(wrong)
            if policy.input_bits < 8:
                for outside in (low - 1, high + 1):
                    wrong = codes.copy()
                    wrong[1, n - 1] = outside
                    rule = f"^input codes of {policy.input_bits} bits must lie in \\[{low}, {high}\\]"
                    with pytest.raises(UserError, match=rule):
                        device.step(wrong[1])
                    with pytest.raises(UserError, match=rule):
                        device.step_many(wrong)
            assert device.stats()["inferences"] == 0
            assert np.array_equal(device.step(codes[2]).accumulators, accumulators(policy, codes)[2])

    def test_encodes_as_the_codec(self, make, policy):
        observations = np.random.default_rng(6).normal(0, 30, (40, policy.features)).astype(np.float32)
        with make() as device:
            rows = [device.encode(row) for row in observations]
            for given in (observations, observations[0].astype(np.float64), observations[0].tolist(),
                          observations[0].astype(">f4")):
                assert np.array_equal(device.encode(given), codec.encode(policy, given))
            bad = observations[0].copy()
            bad[policy.features - 1] = np.nan
            with pytest.raises(UserError, match=f"^an observation must be finite, found nan in feature "
                                                f"{policy.features - 1}"):
                device.encode(bad)
            with pytest.raises(UserError, match=r"^an observation must have the shape"):
                device.encode(observations[0][1:])
        assert all(row.dtype == np.int8 and row.shape == (1, policy.features) for row in rows)
        assert np.array_equal(np.concatenate(rows), codec.encode(policy, observations))


    def test_acts_as_the_codec(self, make, policy):
        observations = np.random.default_rng(9).normal(0, 4, (40, policy.features)).astype(np.float32)
        replies = accumulators(policy, codec.encode(policy, observations))
        _, actions = codec.decode(policy, replies)
        with make() as device:
            given = [*observations[:-2], observations[-2].astype(np.float64), observations[-1].tolist()]
            done = [device.act(observation) for observation in given]
            assert device.stats()["inferences"] == 40
            with pytest.raises(UserError, match=r"^an observation must be finite, found inf in feature 0"):
                device.act(np.full(policy.features, np.inf, np.float32))
            with pytest.raises(UserError, match=r"^an observation must have the shape"):
                device.act(observations[0][1:])
            assert device.stats()["inferences"] == 40
        with pytest.raises(UserError, match=r"^a device must be open"):
            device.act(observations[0])
        for (action, reply), want, row in zip(done, actions, replies, strict=True):
            assert action.dtype == want.dtype and np.array_equal(action, want)
            assert reply.accumulators.dtype == np.int32 and np.array_equal(reply.accumulators, row)


def assert_all_equal(devices, codes):
    """Every two of these open devices answer every code alike, in cycles too where both count them."""
    answers = {name: [device.step(row) for row in codes] for name, device in devices.items()}
    for (one, first), (other, second) in itertools.combinations(answers.items(), 2):
        for a, b in zip(first, second, strict=True):
            assert np.array_equal(a.accumulators, b.accumulators), (one, other)
            assert None in (a.cycles, b.cycles) or a.cycles == b.cycles, (one, other)
