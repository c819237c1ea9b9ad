"""Kill the commands at random moments, repeat them, and hold the end to that of an undisturbed run.

    python -m benchmarks.kills [train|export|build|study] [--kills N] [--seed N]

Each attempt is a process group of its own, forked from this process once it has imported everything: kills hit work,
not imports. SIGKILL comes at a moment that is uniform over the time which an undisturbed run takes. What an attempt
left is what the next finds; after a few kills in a row one may finish, and then results must equal those of a run of
the real command, and nothing else may be left in run folders, cache and TMPDIR. Exit code 1 if anything differs.
"""
from __future__ import annotations

import argparse
import contextlib
import dataclasses
import fcntl
import importlib
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.chain import _QUARL
from quarl.build_flows import cli
from quarl.host.files import sha256

_ROW = 5                        # kills at most before an attempt may finish
_ENDED_S = 60                   # for children in sessions of their own, which a kill of the group leaves alone
_TRAIN = ("train", "--task", "CartPole-v1", "--weight-bits", "2", "--act-bits", "2", "--steps", "4096", "--out", "run",
          *(word for setting in ("net_arch=[8]", "n_envs=1", "n_steps=128", "eval_every=512", "eval_episodes=2",
                                 "checkpoint_every=256", "target_return=null") for word in ("--set", setting)))
_STUDY = """\
name: killed
episodes: 2
groups:
  - {tasks: CartPole-v1, algos: ppo, steps: 512, hidden: [[8]], precisions: [ptq4, qat2]}
"""
_TIMES = re.compile(r'"(seconds|train_seconds)": [0-9.]+')


@dataclasses.dataclass(frozen=True)
class Kind:
    """What is killed below ``root``, in which run folders, cache and TMPDIR lie.

    A command for each state to begin from, which ``begin(number)`` makes, in turn; and what the command comes to.
    """

    root: Path
    commands: Sequence[tuple[str, ...]]
    begin: Callable[[int], None]
    result: Callable[[], dict[str, str]]


def _remove(*paths: Path) -> None:
    for path in paths:
        shutil.rmtree(path, ignore_errors=True)


def _texts(folder: Path, pattern: str) -> dict[str, str]:
    """Hash of each file, without the times in it."""
    return {str(path.relative_to(folder)): sha256(_TIMES.sub("", path.read_bytes().decode("latin-1")).encode())
            for path in sorted(folder.glob(pattern)) if path.is_file()}


def _policy_hash(run: Path) -> str:
    from quarl.models.export.package import policy_of
    from quarl.models.runs.run_folder import load_run
    return str(policy_of(load_run(run)).hash)


def _kinds(root: Path) -> dict[str, Kind]:
    run, cache = root / "run", root / "cache"

    def begin_build(number: int) -> None:
        if number == 0:             # otherwise an accelerator of another folding is replaced
            _remove(run / "accel", cache)

    def begin_export(number: int) -> None:
        if number == 0:             # otherwise a package is replaced
            _remove(run / "policy")

    def study_table() -> dict[str, str]:
        rows = (root / "kept" / "results.csv").read_text().splitlines()
        columns = [i for i, name in enumerate(rows[0].split(",")) if not name.endswith("seconds")]
        table = ["|".join(row.split(",")[i] for i in columns) for row in rows]
        return {"results.csv": "\n".join(table), "table.md": (root / "kept" / "table.md").read_text()}

    return {
        "train": Kind(root, [_TRAIN], lambda number: _remove(run), lambda: {
            "policy": _policy_hash(run), **_texts(run, "config.yaml"), **_texts(run, "train/*.json")}),
        "export": Kind(root, [("export", "run")] * 2, begin_export, lambda: _texts(run / "policy", "*")),
        "build": Kind(root, [("build", "run"), ("build", "run", "--fold", "min-area")] * 2, begin_build, lambda: {
            **_texts(run / "accel", "rtl/*"), **_texts(run / "accel", "**/[!b]*.json")}),
        "study": Kind(root, [("study", "killed.yaml", "--runs", "runs", "--results", "kept", "--jobs", "1")],
                      lambda number: _remove(root / "runs", root / "kept"), study_table)}


def _environment(root: Path) -> dict[str, str]:
    return {"QUARL_CACHE": str(root / "cache"), "TMPDIR": str(root / "tmp"), "OMP_NUM_THREADS": "1"}


def _work(root: Path, command: Sequence[str]) -> None:
    """What the attempt's process does."""
    os.setsid()
    os.chdir(root)
    os.environ.update(_environment(root))
    tempfile.tempdir = None
    log = os.open(root / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(log, number)
    code = cli.main(command)
    (root / "modules").write_text("\n".join(sys.modules))
    sys.exit(code)


def _attempt(root: Path, command: Sequence[str], kill_after: float | None) -> bool:
    """Whether the command ended by itself, before it was to be killed. Raises RuntimeError where it failed."""
    process = multiprocessing.get_context("fork").Process(target=_work, args=(root, command))
    process.start()
    try:
        process.join(kill_after)
    finally:
        if process.is_alive() and process.pid is not None:
            with contextlib.suppress(ProcessLookupError):   # of one that has no group of its own yet, or ended just now
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.join()
    if process.exitcode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"{' '.join(command)} ended with {process.exitcode}:\n"
                           + (root / "log").read_text()[-3000:])
    return process.exitcode == 0


def _import_all(root: Path) -> None:
    """Import what the last attempt that ended had imported, so that the next ones need not."""
    for name in (root / "modules").read_text().splitlines():
        with contextlib.suppress(Exception):        # what is no module of its own, or asks for more than an import
            importlib.import_module(name)


def _wait_for_children(root: Path) -> None:
    """Until no process is left that has this ``root`` in its environment."""
    mark, end = f"QUARL_CACHE={root}/".encode(), time.monotonic() + _ENDED_S
    while any(mark in _environment_of(each) for each in Path("/proc").iterdir() if each.name.isdigit()):
        if time.monotonic() > end:
            raise RuntimeError("a child of a killed command does not end")
        time.sleep(0.1)


def _environment_of(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


def _is_held(lock: Path) -> bool:
    with open(lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _orphans(root: Path, known: set[str]) -> list[str]:
    """What nobody needs: names of temporary things, all in TMPDIR but the ``known``, and locks that are held."""
    found = [path for path in root.rglob("*") if (path.name.startswith(".") and not path.name.endswith(".lock"))
             or path.name.endswith((".quarl-tmp", ".quarl-old"))]
    found += [path for path in (root / "tmp").iterdir() if path.name not in known]
    return sorted({str(path.relative_to(root)) for path in [*found, *filter(_is_held, root.rglob("*.lock"))]})


def _kill(kind: Kind, name: str, kills: int, chance: random.Random) -> dict[str, Any]:
    """Kill the command so often; what was counted."""
    root = kind.root
    expected: dict[tuple[str, ...], dict[str, str]] = {}
    for command in dict.fromkeys(kind.commands):        # undisturbed
        kind.begin(0)
        subprocess.run([*_QUARL, *command], cwd=root, env={**os.environ, **_environment(root)}, check=True,
                       capture_output=True)
        expected[command] = kind.result()
    known = {path.name for path in (root / "tmp").iterdir()}
    kind.begin(0)
    _attempt(root, kind.commands[0], None)
    _import_all(root)
    counted: dict[str, Any] = {"kills": 0, "repeats": 0, "finished": 0, "differences": [], "orphans": []}
    seconds: dict[int, float] = {}
    while counted["kills"] < kills:
        state = counted["finished"] % len(kind.commands)
        command, begun, row = kind.commands[state], time.perf_counter(), _ROW
        kind.begin(state)
        while not _attempt(root, command, _moment(chance, seconds.get(state), row, kills - counted["kills"])):
            counted["kills"] += 1
            counted["repeats"] += 1
            row -= 1
        seconds.setdefault(state, time.perf_counter() - begun)      # of the first, which was left alone
        _wait_for_children(root)
        found, right = kind.result(), expected[command]
        counted["finished"] += 1
        counted["differences"] += [key for key in right.keys() | found.keys() if right.get(key) != found.get(key)]
        counted["orphans"] += _orphans(root, known)
        print(f"{name}: {counted['kills']} of {kills} kills, {counted['finished']} finished, "
              f"{len(counted['differences'])} differences, {len(counted['orphans'])} orphans", file=sys.stderr,
              flush=True)
    return {**counted, "undisturbed_seconds": [round(each, 2) for each in seconds.values()]}


def _moment(chance: random.Random, seconds: float | None, row: int, left: int) -> float | None:
    """When to kill an attempt; None for one that is to finish."""
    return None if seconds is None or not (row and left) else chance.uniform(0, seconds)


def main() -> int:
    """Kill what is asked for. Prints a line a kind, then all as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", nargs="?", choices=("train", "export", "build", "study"))
    parser.add_argument("--kills", type=int, default=100, help="of each kind (default 100)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default 0)")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        root, found = Path(name).resolve(), {}
        (root / "tmp").mkdir()
        (root / "killed.yaml").write_text(_STUDY)
        kinds = _kinds(root)
        if args.kind not in (None, "train", "study"):
            _attempt(root, _TRAIN, None)
        if args.kind == "build":
            _attempt(root, ("export", "run"), None)
        for kind in [args.kind] if args.kind else kinds:
            start = time.perf_counter()
            found[kind] = _kill(kinds[kind], kind, args.kills, random.Random(f"{args.seed} {kind}"))
            found[kind]["seconds"] = round(time.perf_counter() - start, 1)
    failed = [kind for kind, each in found.items() if each["differences"] or each["orphans"]]
    for kind, each in found.items():
        print(f"{kind}: {each['kills']} kills, {each['repeats']} repeats, {each['finished']} results held to the "
              f"undisturbed one, {len(each['differences'])} differences, {len(each['orphans'])} orphans")
    print(json.dumps(found))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
