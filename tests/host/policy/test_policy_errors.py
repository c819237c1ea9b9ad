"""Every way in which a package or a policy can be broken: rule, value and fix."""
import dataclasses
import json
import re

import numpy as np
import pytest

from quarl.host import policy
from quarl.host.errors import UserError
from quarl.host.files import sha256
from quarl.host.policy import ActionSpace
from tests.host.helpers import RETRY, box_policy, make_policy, refused, vector

FOLDER = "a policy package is a folder with manifest.json, weights.npz and policy.onnx"
FIELDS = "manifest.json and weights.npz must hold every field of a package"
NAN, INF = float("nan"), float("inf")


@pytest.fixture
def package(tmp_path):
    policy.write(make_policy(), tmp_path / "package", b"onnx" * 100)
    return tmp_path / "package"


def edit(package, change):
    """Rewrite manifest.json after ``change(manifest)``, which may return another value altogether."""
    path = package / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(change(manifest) or manifest))


def put(package, name, data):
    """Replace a file and the hash that the manifest names for it."""
    (package / name).write_bytes(data)
    edit(package, lambda manifest: manifest["files"].update({name: sha256(data)}))


@pytest.mark.parametrize("name", ["manifest.json", "weights.npz", "policy.onnx"])
def test_missing_file(package, name):
    (package / name).unlink()
    with refused(UserError, FOLDER, f"No such file or directory at {package / name}", RETRY):
        policy.read(package)


def test_missing_folder(tmp_path):
    with refused(UserError, FOLDER, f"No such file or directory at {tmp_path}/none/manifest.json", RETRY):
        policy.read(tmp_path / "none")


def test_folder_in_place_of_a_file(package):
    (package / "policy.onnx").unlink()
    (package / "policy.onnx").mkdir()
    with refused(UserError, FOLDER, f"Is a directory at {package / 'policy.onnx'}", RETRY):
        policy.read(package)


@pytest.mark.parametrize("name", ["weights.npz", "policy.onnx"])
@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:10], lambda data: b"",
                                    lambda data: data[:-20] + b"X" + data[-19:], lambda data: data + b" "],
                         ids=["one byte short", "head only", "empty", "altered", "longer"])
def test_damaged_file(package, name, damage):
    data = (package / name).read_bytes()
    (package / name).write_bytes(damage(data))
    expected, found = sha256(data)[:12], sha256(damage(data))[:12]
    with refused(UserError, f"{name} must have the SHA-256 that manifest.json names ({expected}…)",
                 f"{found}… (truncated or altered)", RETRY):
        policy.read(package)


@pytest.mark.parametrize("damage", [lambda data: data[:-30], lambda data: b"", lambda data: b"PK\3\4 no archive",
                                    lambda data: b"\x93NUMPY no array", lambda data: b"plain text"],
                         ids=["truncated", "empty", "bad zip", "bad npy", "text"])
def test_weights_that_are_no_archive_though_their_hash_fits(package, damage):
    put(package, "weights.npz", damage((package / "weights.npz").read_bytes()))
    with pytest.raises(UserError) as caught:
        policy.read(package)
    assert caught.value.fix == RETRY


@pytest.mark.parametrize("text", ["", "{", "nonsense", '{"format": "quarl-policy",}'])
def test_broken_json(package, text):
    (package / "manifest.json").write_text(text)
    with refused(UserError, "manifest.json must be JSON", re.compile(f".* in {re.escape(str(package))}", re.S), RETRY):
        policy.read(package)


def test_manifest_that_is_no_text(package):
    (package / "manifest.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"^manifest.json must be JSON, found .*utf-8.* in "):
        policy.read(package)


def test_truncated_manifest(package):
    path = package / "manifest.json"
    path.write_text(path.read_text()[:-10])
    with pytest.raises(UserError, match=r"^manifest.json must be JSON, found .* in "):
        policy.read(package)


@pytest.mark.parametrize("value, found", [([], "list"), (3, "int"), (None, "NoneType"), ({}, "None"),
                                          ({"format": "other"}, "other")])
def test_other_json(package, value, found):
    (package / "manifest.json").write_text(json.dumps(value))
    with refused(UserError, "manifest.json must have the format quarl-policy", found, RETRY):
        policy.read(package)


@pytest.mark.parametrize("version", [0, 3, "1", None])
def test_other_schema_version(package, version):
    edit(package, lambda manifest: manifest.update(schema=version))
    with refused(UserError, "the package schema must be 1 or 2", str(version),
                 "export the run again with this version of quarl, or use the version that wrote it"):
        policy.read(package)


@pytest.mark.parametrize("entry", [{}, [], None, {"weights.npz": "0"}, {"../weights.npz": "0", "policy.onnx": "0"}])
def test_hash_list_that_is_not_of_the_two_files(package, entry):
    edit(package, lambda manifest: manifest.update(files=entry))
    with refused(UserError, "manifest.json must list the hashes of weights.npz and policy.onnx", str(entry), RETRY):
        policy.read(package)


@pytest.mark.parametrize("change", [{"hash": "0" * 64}, {"hash": None}, {"task": "Other-v0"}, {"algo": "dqn"},
                                    {"input_bits": 5}, {"observation": {"shape": [1, 2]}}])
def test_content_that_does_not_have_the_named_hash(package, change):
    edit(package, lambda manifest: manifest.update(change))
    with refused(UserError, "the package's content must have the hash that manifest.json names",
                 re.compile("[0-9a-f]{12}…"), RETRY):
        policy.read(package)


@pytest.mark.parametrize("field", ["task", "algo", "input_bits", "observation", "action", "head", "layers"])
def test_missing_field(package, field):
    edit(package, lambda manifest: manifest.pop(field) and None)
    with refused(UserError, FIELDS, f"KeyError: '{field}'", RETRY):
        policy.read(package)


@pytest.mark.parametrize("outer, inner", [("observation", "shape"), ("action", "kind"), ("action", "n"),
                                          ("action", "low"), ("action", "high")])
def test_missing_inner_field(package, outer, inner):
    edit(package, lambda manifest: manifest[outer].pop(inner) and None)
    with refused(UserError, FIELDS, f"KeyError: '{inner}'", RETRY):
        policy.read(package)


@pytest.mark.parametrize("field", ["weight_bits", "act_bits"])
def test_missing_field_of_a_layer(package, field):
    edit(package, lambda manifest: manifest["layers"][0].pop(field) and None)
    with refused(UserError, FIELDS, f"KeyError: '{field}'", RETRY):
        policy.read(package)


@pytest.mark.parametrize("array", ["encode_scale", "encode_offset", "decode_scale", "decode_bias", "weights0",
                                   "weights1"])
def test_missing_array(package, array):
    with np.load(package / "weights.npz") as archive:
        arrays = {name: archive[name] for name in archive.files if name != array}
    np.savez(package / "some.npz", **arrays)
    put(package, "weights.npz", (package / "some.npz").read_bytes())
    with refused(UserError, FIELDS, f"KeyError: '{array}'", RETRY):
        policy.read(package)


@pytest.mark.parametrize("change", [
    {"observation": {"shape": 2}}, {"observation": {"shape": ["2"]}}, {"observation": [2]}, {"action": "discrete"},
    {"action": {"kind": "discrete", "n": "2", "low": [], "high": []}}, {"layers": 2}, {"layers": [1, 2]},
    {"action": {"kind": ["discrete"], "n": 2, "low": [], "high": []}},
    {"action": {"kind": "box", "n": 0, "low": None, "high": None}}, {"layers": {"0": {}}}])
def test_fields_of_another_type(package, change):
    edit(package, lambda manifest: manifest.update(change))
    with pytest.raises(UserError) as caught:
        policy.read(package)
    assert caught.value.rule == FIELDS and caught.value.fix == RETRY


def test_pickled_arrays_are_not_loaded(package):
    np.savez(package / "some.npz", weights0=np.array([{}], object))
    put(package, "weights.npz", (package / "some.npz").read_bytes())
    with pytest.raises(UserError) as caught:
        policy.read(package)
    assert caught.value.fix == RETRY


def check(rule, found, **changes):
    """Both doors refuse the policy with the same words."""
    with refused(UserError, rule, found, RETRY):
        policy.validate(make_policy(**changes))


@pytest.mark.parametrize("name", ["encode_scale", "encode_offset", "decode_scale", "decode_bias"])
@pytest.mark.parametrize("value, found", [
    (vector(1, NAN), "[nan] at index [1]"), (vector(INF, 1), "[inf] at index [0]"),
    (vector(-INF, NAN), "[-inf] at index [0]")])
def test_vectors_must_be_finite(name, value, found):
    check(f"{name} must be finite", found, **{name: value})


@pytest.mark.parametrize("name", ["encode_scale", "encode_offset", "decode_scale", "decode_bias"])
@pytest.mark.parametrize("value, found", [
    (vector(1), "float32 [1]"), (vector(1, 2, 3), "float32 [3]"), (vector(1, 2).reshape(1, 2), "float32 [1, 2]"),
    (np.float32(1).reshape(()), "float32 []"), (np.ones(2), "float64 [2]"), (np.ones(2, np.int32), "int32 [2]")])
def test_vectors_must_have_their_type_and_shape(name, value, found):
    check(f"{name} must be float32 [2]", found, **{name: value})


@pytest.mark.parametrize("bits", [1, 9, 0, -4])
def test_input_bits(bits):
    check("input bits must be 2 to 8", str(bits), input_bits=bits)


def with_layer(index, **changes):
    layers = list(make_policy().layers)
    layers[index] = dataclasses.replace(layers[index], **changes)
    return {"layers": tuple(layers)}


@pytest.mark.parametrize("bits", [1, 9, None])
@pytest.mark.parametrize("index", [0, 1])
def test_weight_bits(index, bits):
    check(f"layer {index}: weight bits must be 2 to 8", str(bits), **with_layer(index, weight_bits=bits))


@pytest.mark.parametrize("bits", [1, 9, None])
def test_activation_bits(bits):
    check("layer 0: activation bits must be 2 to 8", str(bits), **with_layer(0, act_bits=bits))


@pytest.mark.parametrize("index, bits, weights, found", [
    (0, 4, [[8, 0], [0, 0], [0, -1]], "[-1, 8]"), (0, 4, [[0, 0], [0, 0], [0, -9]], "[-9, 0]"),
    (1, 3, [[0, 0, 4], [1, 1, 1]], "[0, 4]"), (1, 2, [[0, 0, -3], [1, 1, 1]], "[-3, 1]")])
def test_weights_out_of_the_range_of_their_bits(index, bits, weights, found):
    limit = 2 ** (bits - 1)
    check(f"layer {index}: {bits}-bit weights must lie in [{-limit}, {limit - 1}]", found,
          **with_layer(index, weights=np.array(weights, np.int8), weight_bits=bits))


@pytest.mark.parametrize("index, weights, rule, found", [
    (0, np.zeros((3, 3), np.int8), "int8 [out, 2]", "int8 [3, 3]"),
    (0, np.zeros((3, 2), np.int32), "int8 [out, 2]", "int32 [3, 2]"),
    (0, np.zeros((3, 2), np.float32), "int8 [out, 2]", "float32 [3, 2]"),
    (0, np.zeros(6, np.int8), "int8 [out, 2]", "int8 [6]"),
    (0, np.zeros((0, 2), np.int8), "int8 [out, 2]", "int8 [0, 2]"),
    (0, np.zeros((3, 2, 1), np.int8), "int8 [out, 2]", "int8 [3, 2, 1]"),
    (1, np.zeros((2, 2), np.int8), "int8 [out, 3]", "int8 [2, 2]")])
def test_weights_of_another_type_or_shape(index, weights, rule, found):
    check(f"layer {index}: weights must be {rule}", found, **with_layer(index, weights=weights))


@pytest.mark.parametrize("thresholds, found", [
    (np.zeros((3, 4), np.int32), "int32 [3, 4]"), (np.zeros((2, 3), np.int32), "int32 [2, 3]"),
    (np.zeros(3, np.int32), "int32 [3]"), (np.zeros((3, 3), np.int64), "int64 [3, 3]"),
    (np.zeros((3, 3), np.float32), "float32 [3, 3]"), (None, "int32 [0, 0]")])
def test_thresholds_of_another_type_or_shape(thresholds, found):
    check("layer 0: thresholds must be int32 [3, 3]", found, **with_layer(0, thresholds=thresholds))


@pytest.mark.parametrize("row", [[0, 2, 1], [1, 0, 0], [2 ** 31 - 1, -2 ** 31, -2 ** 31], [2 ** 31 - 1, 0, 0]])
def test_thresholds_must_ascend(row):
    thresholds = np.array([[0, 0, 0], [-1, 0, 1], row], np.int32)
    check("layer 0: thresholds must ascend along each channel", "a descending pair",
          **with_layer(0, thresholds=thresholds))


def test_thresholds_may_span_int32():
    thresholds = np.array([[-2 ** 31, 0, 2 ** 31 - 1], [-2 ** 31, 2 ** 31 - 1, 2 ** 31 - 1], [0, 0, 0]], np.int32)
    policy.validate(make_policy(**with_layer(0, thresholds=thresholds)))


@pytest.mark.parametrize("changes, found", [
    ({"thresholds": np.zeros((2, 3), np.int32), "act_bits": 2}, "2"),
    ({"thresholds": np.zeros((2, 3), np.int32)}, "None"), ({"act_bits": 2}, "2")])
def test_the_last_layer_has_no_activation(changes, found):
    check("layer 1: the last layer must have no thresholds", f"{found} activation bits", **with_layer(1, **changes))


def test_no_layers():
    check("a policy must have at least one layer", "0", layers=())


@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (-2,)])
def test_observation_shape(shape):
    check("the observation shape must have positive dimensions", str(list(shape)), observation_shape=shape)


def test_kind_of_action_space():
    check("the action space must be discrete or box", "dict", action=ActionSpace("dict", 2))


@pytest.mark.parametrize("action", [ActionSpace("discrete", 0), ActionSpace("discrete", -1), ActionSpace("box"),
                                    ActionSpace("box", 0, (0.0, 0.0), (1.0,))])
def test_size_of_action_space(action):
    check("the action space must have at least one dimension with a low and a high", str(action), action=action)


@pytest.mark.parametrize("start", [1.0, None, "1", True, -2 ** 63 - 1, 2 ** 63 - 1])
def test_start_of_a_discrete_space(start):
    check("discrete actions must start at a whole number of 64 bits, and a box has no start", str(start),
          action=ActionSpace("discrete", 2, start=start))


def test_a_box_has_no_start():
    with refused(UserError, "discrete actions must start at a whole number of 64 bits, and a box has no start", "1",
                 RETRY):
        policy.validate(box_policy(action=ActionSpace("box", 0, (-1.0, 0.0), (1.0, 4.0), 1)))


@pytest.mark.parametrize("head", ["clip", "tanh", "softmax"])
def test_head_that_does_not_fit_a_discrete_space(head):
    check("the head of a discrete action space must be one of argmax", head, head=head)


def test_head_that_does_not_fit_a_box():
    with refused(UserError, "the head of a box action space must be one of clip, tanh", "argmax", RETRY):
        policy.validate(box_policy(head="argmax"))


@pytest.mark.parametrize("low, high", [(-INF, 1.0), (0.0, INF), (NAN, 1.0), (2.0, 1.0)])
def test_bounds_of_a_box_must_be_finite_and_in_order(tmp_path, low, high):
    broken = box_policy(action=ActionSpace("box", 0, (low, 0.0), (high, 1.0)))
    with pytest.raises(UserError):
        policy.write(broken, tmp_path / "package", b"")


def test_one_output_per_action():
    check("the last layer must have one output per action dimension", "2 outputs for 3",
          action=ActionSpace("discrete", 3), decode_scale=vector(1, 1, 1), decode_bias=vector(1, 1, 1))


def test_reading_applies_the_same_rules(package):
    edit(package, lambda manifest: manifest["layers"][0].update(weight_bits=3))
    with refused(UserError, "layer 0: 3-bit weights must lie in [-4, 3]", "[-8, 7]", RETRY):
        policy.read(package)
