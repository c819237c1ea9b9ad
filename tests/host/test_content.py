"""Equality and hash by content, of everything that is frozen and holds arrays."""
import ast
import copy
import dataclasses
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quarl.host import policy
from quarl.host.content import Content
from quarl.host.policy import integer, program
from tests.host.helpers import make_policy, random_codes, random_policy
from tests.host.policy.pixels import pixel_policy

ROOT = Path(policy.__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True, eq=False)
class Thing(Content):
    array: Any
    name: str = "one"
    note: Any = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(frozen=True, eq=False)
class Other(Content):
    array: Any
    name: str = "one"


def array(*values, dtype=np.int32):
    return np.array(values, dtype)


def test_equal_content():
    wide = array(1, 2, 3, 4)
    many = [Thing(array(1, 3)), Thing(array(1, 3)), Thing(wide[::2]), Thing(array(1, 3), note={})]
    assert all(one == other and hash(one) == hash(other) for one in many for other in many)
    assert len(set(many)) == 1 and many.index(many[3]) == 0
    fortran = np.asfortranarray(np.arange(6).reshape(2, 3))
    assert Thing(fortran) == Thing(fortran.copy("C")) and hash(Thing(fortran)) == hash(Thing(fortran.copy("C")))
    assert Thing(array(np.nan, dtype=float)) == Thing(array(np.nan, dtype=float))


@pytest.mark.parametrize("other", [
    Thing(array(1, 4)), Thing(array(1, 3, dtype=np.int64)), Thing(array(1, 3, dtype=np.uint32)),
    Thing(array(1, 3, dtype=">i4")), Thing(array(1, 3)[None]), Thing(array(1)), Thing(array(1, 3), "two"), Thing(None),
    Other(array(1, 3)), "a text", None])
def test_other_content(other):
    one = Thing(array(1, 3))
    assert one != other and other != one
    assert len({one, other}) == 2


def test_zeros_differ_by_their_sign_as_their_hashes_of_a_package_do():
    assert Thing(array(0.0, dtype=float)) != Thing(array(-0.0, dtype=float))


def test_tensors():
    torch = pytest.importorskip("torch")
    one, same = Thing(torch.ones(2, requires_grad=True)), Thing(torch.ones(2))
    assert one == same and hash(one) == hash(same)
    assert one != Thing(torch.ones(2, dtype=torch.float64)) and one != Thing(torch.zeros(2))


@pytest.mark.parametrize("make", [make_policy, pixel_policy])
def test_policies(make):
    one, same = make(), make(provenance={"from": "elsewhere"})
    assert one == same and one is not same and hash(one) == hash(same) and {one, same} == {one}
    assert one.layers == same.layers and set(one.layers) == set(same.layers)
    changed = [copy.deepcopy(layer.weights) for layer in one.layers]
    changed[-1][0, 0] ^= 1
    layers = (*one.layers[:-1], dataclasses.replace(one.layers[-1], weights=changed[-1]))
    assert one != dataclasses.replace(one, layers=layers) and one.hash != dataclasses.replace(one, layers=layers).hash
    assert one != dataclasses.replace(one, task="Other-v0")


def test_a_read_policy_equals_the_one_that_was_written(tmp_path):
    made = random_policy([5, 7, 3], 4, 3, 6, seed=0)
    policy.write(made, tmp_path / "policy", b"onnx")
    assert policy.read(tmp_path / "policy") == made


def test_what_was_computed_is_no_content():
    """A pickle may go to a process whose hashes of texts are others, and should be no larger for what was computed."""
    made = random_policy([5, 7, 3], 4, 3, 6, seed=0)
    bare = pickle.dumps(made)
    codes = random_codes(made, 3, 0)
    expected = integer.accumulators(made, codes)
    _ = hash(made), made.hash, made.features
    assert pickle.dumps(made) == bare
    for twin in (pickle.loads(bare), copy.copy(made), copy.deepcopy(made)):
        assert {"_reference", "_content_hash", "hash"} & set(twin.__dict__) == set()
        assert twin == made and hash(twin) == hash(made) and twin.provenance == made.provenance
        assert np.array_equal(integer.accumulators(twin, codes), expected)


def test_the_hash_is_computed_once(monkeypatch):
    made = make_policy()
    first, content = made.hash, hash(made)
    monkeypatch.setattr(program, "pack", lambda _: pytest.fail("packed again"))
    assert made.hash is first and made.build_id == int(first[:8], 16) and hash(made) == content


def frozen_classes():
    """Every frozen dataclass of the rooms: its place, and the statement that defines it."""
    for room in ("host", "hw", "models", "build_flows"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    for mark in node.decorator_list:
                        if "dataclass(" in ast.unparse(mark) and "frozen=True" in ast.unparse(mark):
                            yield f"{path.relative_to(ROOT)}: {node.name}", node, ast.unparse(mark)


def test_all_that_hold_arrays_compare_them():
    found = []
    for name, node, mark in frozen_classes():
        fields = [ast.unparse(line.annotation) for line in node.body if isinstance(line, ast.AnnAssign)]
        if any(re.fullmatch(r"(Optional\[)?(np\.ndarray|Tensor)(\]| \| None)?", field) for field in fields):
            found.append(name)
            assert "eq=False" in mark and [ast.unparse(base) for base in node.bases] == ["Content"], name
    assert {"Layer", "Policy", "Unit", "Affine", "Stage", "Subject"} <= {name.split()[-1] for name in found}
