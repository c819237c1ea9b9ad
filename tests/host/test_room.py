"""What host/ promises as a room: it runs on the board (Python 3.8, numpy 1.20) and depends on nothing of ours."""
import ast
import subprocess
import sys
from pathlib import Path

import pytest

from quarl import host

ROOT = Path(host.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
ROOMS = {"models", "hw", "build_flows"}
LATE = {"finn_plus_driver", "gymnasium", "imageio", "imageio_ffmpeg", "pynq", "zmq"}    # only where they are used
HEAVY = [*("quarl." + room for room in ROOMS), *LATE,
         "torch", "brevitas", "stable_baselines3", "qonnx", "onnx", "finn", "pyosys", "yaml"]

# Names that came after Python 3.8 and numpy 1.20 (or went and came back, such as np.bool).
NEWER_PYTHON = {"removeprefix", "removesuffix", "is_relative_to", "with_stem", "hardlink_to",
                "bit_count", "pairwise", "batched", "lcm", "ExceptionGroup", "TypeAlias", "ParamSpec", "aiter", "anext",
                "file_digest", "StrEnum", "zoneinfo", "tomllib", "graphlib", "to_thread", "randbytes"}
NEWER_NUMPY = {"bool", "long", "ulong", "astype", "concat", "permute_dims", "pow", "acos", "acosh", "asin", "asinh",
               "atan", "atan2", "atanh", "bitwise_count", "bitwise_invert", "bitwise_left_shift", "bitwise_right_shift",
               "bitwise_not", "cumulative_sum", "cumulative_prod", "from_dlpack", "isdtype", "matrix_transpose",
               "matvec", "vecmat", "vecdot", "strings", "dtypes", "exceptions", "trapezoid", "unique_all",
               "unique_counts", "unique_inverse", "unique_values", "unstack", "show_runtime"}
NEWER_ATTRIBUTES = {"mT", "to_device"}
NEWER_KEYWORDS = {"strict", "slots", "kw_only", "weakref_slot", "method", "delete_on_close", "ignore_cleanup_errors",
                  "root_dir", "equal_nan"}
CONTAINERS = {"dict", "list", "tuple", "set", "frozenset", "type"}


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 8))


def imported(nodes):
    """Top-level packages that these statements import; of ours, the room."""
    for node in nodes:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.split(".")[name.startswith("quarl.")] for name in names)


def name_of(path):
    return str(path.relative_to(ROOT))


def test_there_are_files():
    assert {"errors.py", "policy/program.py", "loop/runner.py", "devices/emulator.py"} <= {
        name_of(path) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_parses_under_python_3_8(path):
    tree = parsed(path)
    typed = any(isinstance(node, (ast.FunctionDef, ast.AnnAssign)) for node in ast.walk(tree))
    assert not typed or "from __future__ import annotations" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_nothing_of_ours_and_numpy_alone(path):
    tree = parsed(path)
    everywhere, at_once = set(imported(ast.walk(tree))), set(imported(tree.body))
    assert not everywhere & ROOMS
    assert at_once <= {"host", "numpy", *sys.stdlib_module_names}
    assert everywhere <= {"host", "numpy", *LATE, *sys.stdlib_module_names}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_uses_no_newer_python_or_numpy(path):
    tree = parsed(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            newer = NEWER_PYTHON | NEWER_ATTRIBUTES
            if isinstance(node.value, ast.Name) and node.value.id in ("np", "numpy"):
                newer = NEWER_NUMPY
            assert node.attr not in newer, f"{node.attr} in line {node.lineno}"
        elif isinstance(node, ast.ImportFrom):
            assert not {alias.name for alias in node.names} & NEWER_PYTHON, f"line {node.lineno}"
        elif isinstance(node, ast.Call):
            assert not {keyword.arg for keyword in node.keywords} & NEWER_KEYWORDS, f"line {node.lineno}"
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
            value = node.value.value                   # `Alias = dict[str, int]` fails when 3.8 runs it
            assert not (isinstance(value, ast.Name) and value.id in CONTAINERS), f"line {node.lineno}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_has_no_assert(path):
    assert not [node.lineno for node in ast.walk(parsed(path)) if isinstance(node, ast.Assert)]


def test_imports_stay_light():
    modules = ["quarl.host." + name_of(path)[:-3].replace("/", ".") for path in FILES if path.name != "__init__.py"]
    assert "quarl.host.policy.codec" in modules
    code = (f"import sys\nfor module in {modules!r}:\n    __import__(module)\n"
            f"    found = [name for name in {HEAVY!r} if name in sys.modules]\n"
            "    assert not found, (module, found)\nprint('light')")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("light\n", "")
