import errno
import re

import pytest

from host.errors import ToolError
from host.runlog import RunLog, records
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


def test_a_new_log_replaces_the_old(tmp_path):
    for kind in ("run", "summary"):
        with RunLog(str(tmp_path / "log")) as log:
            log.write(kind)
    assert list(records(tmp_path / "log")) == [{"type": "summary"}]


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
