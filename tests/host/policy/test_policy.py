"""Policy packages that are right: round trip, hashes, and what a failed write leaves behind."""
import dataclasses
import errno
import json
import os
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quarl.host import files, policy
from quarl.host.errors import ToolError, UserError
from quarl.host.policy import ActionSpace, Layer
from quarl.host.policy.integer import accumulators
from tests.host.files.test_whole import FIX, RULE, interrupted, tree, without_exchange
from tests.host.helpers import RETRY, box_policy, make_policy, random_codes, random_policy, refused, vector
from tests.host.policy.pixels import pixel_policy, random_pixels

ONNX = b"not looked into"


def assert_same(found, expected):
    """Equal in every field, dtype and shape."""
    for field in dataclasses.fields(policy.Policy):
        a, b = getattr(found, field.name), getattr(expected, field.name)
        if field.name == "layers":
            assert [(la.weight_bits, la.act_bits, la.stride) for la in a] == [
                (la.weight_bits, la.act_bits, la.stride) for la in b]
            pairs = [(x, y) for la, lb in zip(a, b, strict=True)
                     for x, y in ((la.weights, lb.weights), (la.thresholds, lb.thresholds))]
        else:
            pairs = [(a, b)]
        for x, y in pairs:
            if isinstance(y, np.ndarray):
                assert x.dtype == y.dtype and np.array_equal(x, y)
            else:
                assert x == y and type(x) is type(y)


@pytest.mark.parametrize("original", [
    make_policy(), box_policy(), box_policy(head="tanh"),
    make_policy(provenance={"seed": 0, "return": 499.5, "versions": {"torch": "2"}}),
    make_policy(observation_shape=(1, 2, 1)),
    make_policy(layers=(Layer(np.array([[-2, 1], [0, 1]], np.int8), 2),)), pixel_policy(),
    make_policy(action=ActionSpace("discrete", 2, start=-1)),
], ids=["discrete", "clip", "tanh", "provenance", "shape", "one layer", "pixels", "start"])
def test_round_trip(tmp_path, original):
    policy.write(original, tmp_path / "package", ONNX)
    found = policy.read(tmp_path / "package")
    assert_same(found, original)
    assert found.hash == original.hash
    assert sorted(tree(tmp_path)) == ["package", "package/manifest.json", "package/policy.onnx", "package/weights.npz"]
    assert (tmp_path / "package" / "policy.onnx").read_bytes() == ONNX


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=4), st.integers(2, 8), st.integers(2, 8), st.integers(2, 8),
       st.integers(0, 2 ** 32 - 1))
def test_round_trip_of_random_policies(tmp_path_factory, sizes, weight_bits, act_bits, input_bits, seed):
    original = random_policy(sizes, weight_bits, act_bits, input_bits, seed)
    folder = tmp_path_factory.mktemp("random") / "package"
    policy.write(original, folder, ONNX)
    found = policy.read(str(folder))
    assert_same(found, original)
    codes = random_codes(original, 3, seed)
    assert np.array_equal(accumulators(found, codes), accumulators(original, codes))


def test_equal_policies_give_equal_bytes(tmp_path, monkeypatch):
    policy.write(make_policy(), tmp_path / "a", ONNX)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    policy.write(make_policy(), tmp_path / "b", ONNX)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


@pytest.mark.parametrize("made, expected", [
    (make_policy(), "4ff8d67bfff2d316f8c67d3d96d13a79c51cc699305fe8164b89198982c39f29"),
    (box_policy(), "f723edf05c4463b84d09e833d7f7d37633b1253a2c5d491bbf12f6737ebc29b0"),
    (pixel_policy(), "2e02822cf2d1248f1d555c261ea142aaeea42c7eacdcf509bb9a75da9148cbd6")],
    ids=["discrete", "box", "pixels"])
def test_a_policy_keeps_the_hash_that_hardware_was_built_with(tmp_path, made, expected):
    assert made.hash == expected
    policy.write(made, tmp_path, ONNX)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert sorted(manifest["action"]) == ["high", "kind", "low", "n"]


def test_a_start_is_named_in_the_package(tmp_path):
    policy.write(make_policy(action=ActionSpace("discrete", 2, start=5)), tmp_path, ONNX)
    assert json.loads((tmp_path / "manifest.json").read_text())["action"]["start"] == 5


def test_the_memory_order_of_an_array_is_no_content():
    hidden, last = make_policy().layers
    layers = (dataclasses.replace(hidden, weights=np.asfortranarray(hidden.weights),
                                  thresholds=np.asfortranarray(hidden.thresholds)), last)
    assert make_policy(layers=layers).hash == make_policy().hash


def test_provenance_is_no_content(tmp_path):
    assert make_policy(provenance={"seed": 4}).hash == make_policy().hash == make_policy(provenance={}).hash
    policy.write(make_policy(), tmp_path, ONNX)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["provenance"] = {"note": "by hand"}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert policy.read(tmp_path).provenance == {"note": "by hand"}


def test_hash_and_build_id():
    digest = make_policy().hash
    assert len(digest) == 64 and set(digest) <= set("0123456789abcdef")
    assert make_policy().build_id == int(digest[:8], 16) < 2 ** 32


def changed_layer(index, **changes):
    layers = list(make_policy().layers)
    layers[index] = dataclasses.replace(layers[index], **changes)
    return {"layers": tuple(layers)}


@pytest.mark.parametrize("changes", [
    {"task": "Other-v0"}, {"algo": "dqn"}, {"input_bits": 5}, {"observation_shape": (2, 1)},
    {"action": ActionSpace("box", 0, (0.0, 0.0), (1.0, 1.0)), "head": "clip"},
    {"action": ActionSpace("discrete", 2, start=1)},
    {"encode_scale": vector(2, 0.5)}, {"encode_offset": vector(0.5, 1)},
    {"decode_scale": vector(0.5, 0.5)}, {"decode_bias": vector(1, 1)},
    changed_layer(0, weight_bits=5), changed_layer(0, weights=np.array([[1, -2], [7, -8], [0, 2]], np.int8)),
    changed_layer(0, thresholds=np.array([[-3, 0, 5], [1, 1, 9], [-100, 2, 401]], np.int32)),
    changed_layer(1, weights=np.array([[1, -1, 3], [-4, 2, 1]], np.int8)),
], ids=lambda changes: "+".join(changes))
def test_every_part_of_the_content_is_in_the_hash(changes):
    policy.validate(make_policy(**changes))
    assert make_policy(**changes).hash != make_policy().hash


def test_heads_and_bounds_are_in_the_hash():
    bounds = ActionSpace("box", 0, (-1.0, 0.0), (1.0, 5.0))
    assert len({box_policy().hash, box_policy(head="tanh").hash, box_policy(action=bounds).hash}) == 3


@pytest.mark.parametrize("bits, expected", [(2, (-2, 1)), (4, (-8, 7)), (8, (-128, 127))])
def test_input_range(bits, expected):
    assert make_policy(input_bits=bits).input_range == expected


def test_sizes():
    assert make_policy(observation_shape=(2, 3, 4)).features == 24
    assert ActionSpace("discrete", 5).size == 5
    assert ActionSpace("box", 0, (0.0,) * 3, (1.0,) * 3).size == 3


def test_bits_2_and_8_are_allowed_with_their_extreme_weights():
    for bits in (2, 8):
        low, high = -2 ** (bits - 1), 2 ** (bits - 1) - 1
        layer = Layer(np.array([[low, high], [high, low]], np.int8), bits)
        policy.validate(make_policy(input_bits=bits, layers=(layer,)))


def test_writing_on_a_full_disk_keeps_the_old_package(tmp_path, monkeypatch):
    policy.write(make_policy(), tmp_path / "package", b"old")
    before = tree(tmp_path)

    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device", target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ToolError) as caught:
        policy.write(make_policy(task="New-v0"), tmp_path / "package", b"new")
    assert caught.value.rule == RULE and caught.value.fix == FIX
    assert caught.value.found.startswith(f"No space left on device at {tmp_path}")
    assert tree(tmp_path) == before
    assert policy.read(tmp_path / "package").task == "Toy-v0"


def test_writing_where_a_file_is_in_the_way(tmp_path):
    (tmp_path / "file").write_bytes(b"keep")
    with pytest.raises(ToolError) as caught:
        policy.write(make_policy(), tmp_path / "file" / "package", ONNX)
    assert caught.value.rule == RULE and str(tmp_path / "file") in caught.value.found
    assert tree(tmp_path) == {"file": b"keep"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_writing_into_a_read_only_folder(tmp_path):
    tmp_path.chmod(0o555)
    try:
        with refused(ToolError, RULE, f"Permission denied at {tmp_path}", FIX):
            policy.write(make_policy(), tmp_path / "package", ONNX)
    finally:
        tmp_path.chmod(0o755)
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("name, call, after, kept", [
    ("replace", 1, False, b"old"), ("replace", 2, True, b"old"), ("replace", 3, False, b"old"),
    ("replace", 3, True, b"old"), ("rename", 1, False, b"old"), ("rename", 1, True, b"old"),
    ("rename", 2, False, b"old"), ("rename", 2, True, b"new")])
def test_an_interrupted_write_leaves_a_whole_package(tmp_path, monkeypatch, name, call, after, kept):
    policy.write(make_policy(), tmp_path / "package", b"old")
    without_exchange(monkeypatch)
    interrupted(monkeypatch, name, call, after)
    with pytest.raises(KeyboardInterrupt):
        policy.write(make_policy(task="New-v0"), tmp_path / "package", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["package"]
    assert policy.read(tmp_path / "package").task == {b"old": "Toy-v0", b"new": "New-v0"}[kept]
    assert (tmp_path / "package" / "policy.onnx").read_bytes() == kept


@pytest.mark.parametrize("call", [1, 2, 3])
def test_an_interrupted_first_write_leaves_nothing(tmp_path, monkeypatch, call):
    interrupted(monkeypatch, "replace", call, after=False)
    with pytest.raises(KeyboardInterrupt):
        policy.write(make_policy(), tmp_path / "package", ONNX)
    assert tree(tmp_path) == {}


def test_a_broken_policy_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="input bits must be 2 to 8, found 9"):
        policy.write(make_policy(input_bits=9), tmp_path / "package", ONNX)
    assert tree(tmp_path) == {}


def test_a_package_is_three_files_of_the_named_hashes(tmp_path):
    policy.write(make_policy(), tmp_path, ONNX)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["files"] == {name: files.sha256((tmp_path / name).read_bytes())
                                 for name in ("weights.npz", "policy.onnx")}
    assert (manifest["format"], manifest["schema"], manifest["hash"]) == ("quarl-policy", 1, make_policy().hash)
    assert manifest["provenance"] == {"seed": 3}
    with np.load(tmp_path / "weights.npz") as archive:
        assert sorted(archive.files) == ["decode_bias", "decode_scale", "encode_offset", "encode_scale",
                                         "thresholds0", "weights0", "weights1"]


def test_dense_packages_are_what_they_were():
    """Packages made before there were convolutions keep their hash, and with it the accelerators built from them."""
    assert make_policy().hash == "4ff8d67bfff2d316f8c67d3d96d13a79c51cc699305fe8164b89198982c39f29"
    assert box_policy(head="tanh").hash == "fb59e3252ed847fdb93cc801a657f44983615aff8952f34482521d117b84eee3"


@settings(max_examples=15, deadline=None)
@given(st.tuples(st.integers(1, 4), st.integers(5, 9), st.integers(5, 9)),
       st.lists(st.tuples(st.integers(1, 4), st.tuples(st.integers(1, 2), st.integers(1, 2)), st.integers(1, 2)),
                min_size=1, max_size=2), st.lists(st.integers(1, 5), min_size=1, max_size=2), st.integers(2, 8),
       st.integers(2, 8), st.integers(0, 2 ** 32 - 1))
def test_round_trip_of_random_pixel_policies(tmp_path_factory, shape, convs, dense, weight_bits, act_bits, seed):
    original = pixel_policy(shape, convs, dense, weight_bits, act_bits, seed)
    folder = tmp_path_factory.mktemp("random") / "package"
    policy.write(original, folder, ONNX)
    found = policy.read(folder)
    assert_same(found, original)
    assert found.hash == original.hash
    codes = random_pixels(original, 2, seed)
    assert np.array_equal(accumulators(found, codes), accumulators(original, codes))


def test_the_manifest_of_pixels(tmp_path):
    policy.write(pixel_policy(), tmp_path, ONNX)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert (manifest["schema"], manifest["input_bits"], manifest["observation"]) == (2, 8, {"shape": [2, 9, 8]})
    assert manifest["layers"] == [
        {"in": 2, "out": 3, "weight_bits": 4, "act_bits": 3, "kernel": [3, 2], "stride": 2},
        {"in": 3, "out": 4, "weight_bits": 4, "act_bits": 3, "kernel": [2, 2], "stride": 1},
        {"in": 36, "out": 5, "weight_bits": 4, "act_bits": 3}, {"in": 5, "out": 2, "weight_bits": 4, "act_bits": None}]


@pytest.mark.parametrize("change, rule", [
    ({"schema": 1}, "the schema of this package must be 2"),
    ({"stride": 1}, "layer 2: weights must be int8 [out, 144]"),
    ({"kernel": [2, 3]}, "manifest.json must name the sizes of the layers in weights.npz"),
    ({"kernel": []}, "manifest.json must name the sizes of the layers in weights.npz"),
    ({"stride": "2"}, "layer 0: the stride must be a positive integer"),
    ({"stride": None}, "encode_scale must be float32 [144]")], ids=str)
def test_a_manifest_of_pixels_that_does_not_fit(tmp_path, change, rule):
    policy.write(pixel_policy(), tmp_path, ONNX)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (manifest if "schema" in change else manifest["layers"][0]).update(change)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError) as caught:
        policy.read(tmp_path)
    assert (caught.value.rule, caught.value.fix) == (rule, RETRY)


def test_a_dense_package_has_schema_1(tmp_path):
    policy.write(make_policy(), tmp_path, ONNX)
    manifest = (tmp_path / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text(json.dumps(dict(json.loads(manifest), schema=2)))
    with refused(UserError, "the schema of this package must be 1", "2", RETRY):
        policy.read(tmp_path)


def test_sizes_of_a_convolution():
    layer = Layer(np.zeros((32, 4, 8, 8), np.int8), 4, stride=4)
    assert layer.output_shape((4, 84, 84)) == (32, 20, 20)
    assert Layer(np.zeros((2, 1, 3, 2), np.int8), 4, stride=3).output_shape((1, 8, 3)) == (2, 2, 1)
    assert pixel_policy().input_range == (0, 255)
    assert pixel_policy().pixels and not make_policy().pixels


def test_bounds_of_pixels_count_up_to_255():
    layer = Layer(np.array([[[[1, -2]], [[3, -4]]], [[[0, 0]], [[5, 0]]]], np.int8), 4, stride=1)
    assert make_policy(layers=(layer,), input_bits=8).accumulator_bound(0) == 10 * 255


def test_strides_and_kernels_are_in_the_hash():
    one = pixel_policy(convs=[(3, (1, 1), 1)], shape=(1, 1, 1))
    two = dataclasses.replace(one, layers=(dataclasses.replace(one.layers[0], stride=2), *one.layers[1:]))
    policy.validate(two)                               # the same numbers: over 1 x 1 every stride gives one position
    assert one.hash != two.hash


def conv(index=0, **changes):
    layers = list(pixel_policy().layers)
    layers[index] = dataclasses.replace(layers[index], **changes)
    return {"layers": tuple(layers)}


@pytest.mark.parametrize("changes, rule, found", [
    (conv(stride=0), "layer 0: the stride must be a positive integer", "0"),
    (conv(stride=-1), "layer 0: the stride must be a positive integer", "-1"),
    (conv(1, stride=1.5), "layer 1: the stride must be a positive integer", "1.5"),
    (conv(weights=np.zeros((3, 1, 3, 2), np.int8)),
     "layer 0: weights must be int8 [out, 2, kernel height, kernel width]", "int8 [3, 1, 3, 2]"),
    (conv(weights=np.zeros((3, 2, 3), np.int8)),
     "layer 0: weights must be int8 [out, 2, kernel height, kernel width]", "int8 [3, 2, 3]"),
    (conv(weights=np.zeros((3, 2, 3, 2), np.int16)),
     "layer 0: weights must be int8 [out, 2, kernel height, kernel width]", "int16 [3, 2, 3, 2]"),
    (conv(weights=np.zeros((3, 2, 0, 2), np.int8)),
     "layer 0: weights must be int8 [out, 2, kernel height, kernel width]", "int8 [3, 2, 0, 2]"),
    (conv(weights=np.zeros((3, 2, 10, 2), np.int8)), "layer 0: the kernel must fit into the input of 9 x 8", "10 x 2"),
    (conv(1, weights=np.zeros((4, 3, 2, 5), np.int8)), "layer 1: the kernel must fit into the input of 4 x 4", "2 x 5"),
    (conv(1, weights=np.full((4, 3, 2, 2), 8, np.int8)), "layer 1: 4-bit weights must lie in [-8, 7]", "[8, 8]"),
    (conv(thresholds=np.zeros((3, 3), np.int32)), "layer 0: thresholds must be int32 [3, 7]", "int32 [3, 3]"),
    (conv(1, act_bits=9), "layer 1: activation bits must be 2 to 8", "9"),
    (conv(2, stride=1), "layer 2: weights must be int8 [out, 4, kernel height, kernel width]", "int8 [5, 36]"),
    (conv(3, stride=1), "layer 3: a convolution must come before every dense layer", "an input of [5]"),
    (conv(2, weights=np.zeros((5, 35), np.int8)), "layer 2: weights must be int8 [out, 36]", "int8 [5, 35]"),
    (conv(0, stride=None), "encode_scale must be float32 [144]", "float32 [0]"),
    ({"layers": pixel_policy().layers[:1]}, "layer 0: the last layer must be dense", "a convolution"),
    ({"encode_scale": vector(1)}, "encode_scale must be float32 [0]", "float32 [1]"),
    ({"encode_offset": np.empty(0)}, "encode_offset must be float32 [0]", "float64 [0]"),
    ({"input_bits": 4}, "a policy that begins with a convolution must read 8-bit pixels [channels, height, width]",
     "4 bits, shape [2, 9, 8]"),
    ({"observation_shape": (18, 8)},
     "a policy that begins with a convolution must read 8-bit pixels [channels, height, width]",
     "8 bits, shape [18, 8]"),
])
def test_convolutions_that_break_a_rule(changes, rule, found):
    with refused(UserError, rule, found, RETRY):
        policy.validate(pixel_policy(**changes))


def test_accumulators_of_pixels_must_fit_32_bits():
    weights = np.full((1, 1, 300, 300), -128, np.int8)
    layers = (Layer(weights, 8, np.zeros((1, 3), np.int32), 2, 1), Layer(np.ones((2, 1), np.int8), 2))
    with refused(UserError, "layer 0: accumulators must fit 32 bits", "up to %d" % (300 * 300 * 128 * 255), RETRY):
        policy.validate(pixel_policy(shape=(1, 300, 300), convs=(), dense=(2,), layers=layers))
