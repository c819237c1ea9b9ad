import errno
import json
import os
import re

import pytest

from quarl.host.errors import ToolError
from quarl.host.log.run_log import RunLog, part, parts, records
from tests.host.helpers import refused

RULE = "the output folder must be writable and have free space"
FIX = "free some space, change its permissions, or choose another folder (--out, QUARL_CACHE, TMPDIR)"


def test_records_in_order_with_their_types(tmp_path):
    path = tmp_path / "run" / "log.jsonl"
    with RunLog(path) as log:
        log.write("run", task="Toy-v0")
        for step in range(3):
            log.write("step", step=step, action=[0.5], cycles=None)
        log.write("episode", **{"return": 1.5})
        log.write("summary", steps=3)
    found = list(records(path))
    assert [record["type"] for record in found] == ["run", "step", "step", "step", "episode", "summary"]
    assert found[0] == {"type": "run", "task": "Toy-v0"}
    assert found[2] == {"type": "step", "step": 1, "action": [0.5], "cycles": None}
    assert found[4]["return"] == 1.5
    assert path.read_text().count("\n") == 6


def test_a_new_log_keeps_the_old_ones(tmp_path):
    path = tmp_path / "emulator.jsonl"
    for number in range(3):
        with RunLog(str(path)) as log:
            log.write("run", number=number)
            path.with_suffix(".csv").write_text(str(number))
            assert log.earlier == (tmp_path / f"emulator-{number}.jsonl" if number else None)
    for name, number in (("emulator", 2), ("emulator-1", 0), ("emulator-2", 1)):
        assert list(records(tmp_path / f"{name}.jsonl")) == [{"type": "run", "number": number}]
        assert (tmp_path / f"{name}.csv").read_text() == str(number)


@pytest.mark.parametrize("tail", ['{"type": "step", "st', "{", '{"type": "episode"}'])
def test_a_last_line_that_was_cut_off_is_left_out(tmp_path, tail):
    (tmp_path / "log").write_text('{"type": "run"}\n{"type": "step"}\n' + tail)
    assert list(records(str(tmp_path / "log"))) == [{"type": "run"}, {"type": "step"}]


@pytest.mark.parametrize("kind", ["run", "episode", "summary"])
def test_everything_but_a_step_is_flushed_at_once(tmp_path, kind):
    with RunLog(tmp_path / "log") as log:
        log.write("step", step=0)
        log.write(kind)
        assert [record["type"] for record in records(tmp_path / "log")] == ["step", kind]


def test_all_parts_are_on_the_disk_once_closed(tmp_path, monkeypatch):
    synced, real = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (synced.append(os.fstat(handle).st_size), real(handle)))
    with RunLog(tmp_path / "x.jsonl", max_bytes=40) as log:
        for number in range(3):
            log.write("step", episode=number)
    assert synced == [path.stat().st_size for path in parts(tmp_path / "x.jsonl")] and len(synced) > 1


def test_an_error_in_the_block_keeps_what_was_written(tmp_path):
    with pytest.raises(KeyboardInterrupt), RunLog(tmp_path / "log") as log:
        log.write("step", step=0)
        raise KeyboardInterrupt
    assert list(records(tmp_path / "log")) == [{"type": "step", "step": 0}]


def test_a_run_that_never_starts_keeps_the_log_before(tmp_path):
    with RunLog(tmp_path / "log") as log:
        log.write("run", number=1)
    with RunLog(tmp_path / "log"):
        pass
    assert list(records(tmp_path / "log")) == [{"type": "run", "number": 1}]


def test_text_of_any_language(tmp_path):
    with RunLog(tmp_path / "log") as log:
        log.write("run", task="größer → \u2028 \n")
    assert list(records(tmp_path / "log")) == [{"type": "run", "task": "größer → \u2028 \n"}]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    found = re.compile(f"(Not a directory|File exists) at {re.escape(str(tmp_path))}/file.*")
    with refused(ToolError, RULE, found, FIX), RunLog(tmp_path / "file" / "log") as log:
        log.write("run")


def test_a_folder_in_the_logs_place(tmp_path):
    with refused(ToolError, RULE, f"Is a directory at {tmp_path}", FIX), RunLog(tmp_path) as log:
        log.write("run")


class FullDisk:
    """A file that takes text but cannot get it onto the disk."""

    def tell(self):
        return 0

    def write(self, text):
        return len(text)

    def flush(self):
        raise OSError(errno.ENOSPC, "No space left on device")

    close = flush


def test_a_full_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("builtins.open", lambda *args, **kwargs: FullDisk())
    with refused(ToolError, RULE, f"No space left on device at {tmp_path}/log", FIX), RunLog(tmp_path / "log") as log:
        log.write("step")
        log.write("episode")


@pytest.mark.parametrize("action", [3, [0.1, -2.5e-9]])
@pytest.mark.parametrize(("cycles", "late"), [(None, None), (92, None), (None, -5), (92, 7)])
@pytest.mark.parametrize("network", [[], [8]])
def test_a_steps_line_is_that_of_any_record(tmp_path, action, cycles, late, network):
    spent = [7, 2 ** 40, 0, 9, *network]
    names = ["encode", "device", "decode", "env", "network"][:len(spent)]
    fields = {"episode": 3, "step": 12, "action": action, "reward": 1 / 3, "ns": dict(zip(names, spent, strict=True)),
              "cycles": cycles, **({} if late is None else {"late_ns": late})}
    with RunLog(tmp_path / "log") as log:
        log.step(3, 12, action, 1 / 3, spent, cycles, late)
        log.write("step", **fields)
    quick, slow = (tmp_path / "log").read_text().splitlines()
    assert quick == slow == json.dumps({"type": "step", **fields})


def numbered(path, numbers, max_bytes=100, append=False):
    with RunLog(path, max_bytes, append) as log:
        for number in numbers:
            log.write("step", number=number)


def found(path):
    return [record["number"] for record in records(path)]


def test_parts_in_order(tmp_path):
    path = tmp_path / "log.jsonl"
    numbered(path, range(100, 130))
    assert [each.name for each in parts(path)] == ["log.jsonl", *(f"log.jsonl.{n}" for n in range(1, 10))]
    assert {each.stat().st_size for each in parts(path)} == {3 * len('{"type": "step", "number": 100}\n')}
    assert found(path) == list(range(100, 130))


def test_a_record_that_no_part_can_hold_has_one_of_its_own(tmp_path):
    numbered(tmp_path / "log", range(3), max_bytes=1)
    assert len(parts(tmp_path / "log")) == 3 and found(tmp_path / "log") == [0, 1, 2]


def test_a_new_log_keeps_all_parts_of_the_old(tmp_path):
    numbered(tmp_path / "log.jsonl", range(100, 130))
    numbered(tmp_path / "log.jsonl", [7])
    assert found(tmp_path / "log.jsonl") == [7] and parts(tmp_path / "log.jsonl") == [tmp_path / "log.jsonl"]
    assert found(tmp_path / "log-1.jsonl") == list(range(100, 130)) and len(parts(tmp_path / "log-1.jsonl")) == 10


@pytest.mark.parametrize("killed_after", range(1, 10))
def test_a_kill_while_the_old_log_is_put_aside_mixes_nothing(tmp_path, monkeypatch, killed_after):
    numbered(tmp_path / "log.jsonl", range(100, 130))
    left, real = iter(range(killed_after)), os.replace

    def replace(old, new):
        next(left)
        real(old, new)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(StopIteration):
            numbered(tmp_path / "log.jsonl", [7])
    numbered(tmp_path / "log.jsonl", [8])
    assert found(tmp_path / "log.jsonl") == [8] and found(tmp_path / "log-1.jsonl") == list(range(100, 130))


@pytest.mark.parametrize("first", [2, 3, 7])
def test_a_log_that_goes_on(tmp_path, first):
    numbered(tmp_path / "log", range(100, 100 + first))
    numbered(tmp_path / "log", range(100 + first, 110), append=True)
    assert found(tmp_path / "log") == list(range(100, 110))
    assert len(parts(tmp_path / "log")) == 4, "as if it had been written at once"


def test_a_log_that_cannot_go_on_begins(tmp_path):
    numbered(tmp_path / "log", [1], append=True)
    assert found(tmp_path / "log") == [1]


def test_part_names(tmp_path):
    assert part(tmp_path / "a.jsonl", 0) == tmp_path / "a.jsonl"
    assert part(str(tmp_path / "a.jsonl"), 12) == tmp_path / "a.jsonl.12"
    assert parts(tmp_path / "a.jsonl") == []
