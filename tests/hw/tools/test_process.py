"""Child processes: output that is not what one expects, and their end."""
import signal
import subprocess
import sys
import time
from pathlib import Path

from quarl.hw.tools import process


def test_output_that_is_no_text_is_shown_as_far_as_it_is():
    writes = "import sys; [each.buffer.write(b'ok \\x92 \\xc3\\xa4\\n') for each in (sys.stdout, sys.stderr)]"
    done = process.run([sys.executable, "-c", writes])
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok \ufffd ä\n", "ok \ufffd ä\n")


def test_followed_output_that_is_no_text(tmp_path):
    seen = []
    assert process.follow([sys.executable, "-c", "import sys; sys.stdout.buffer.write(b'\\x92 ok\\n')"], seen.append,
                          {}, tmp_path) == 0
    assert seen == ["\ufffd ok"]


SESSION = """
import signal
from pathlib import Path
from quarl.hw.tools import process
signal.signal(signal.SIGINT, signal.default_int_handler)    # which a shell's background job has not
try:
    process.run(["sh", "-c", "sleep 60 & echo $! > grandchild; wait"], folder=Path("."))
except KeyboardInterrupt:
    print("interrupted, then", process.run(["true"]).returncode)
"""


def test_ctrl_c_ends_a_child_with_all_that_it_started_and_others_may_follow(tmp_path):
    """In a session that goes on, as a notebook does."""
    noted, late = tmp_path / "grandchild", time.monotonic() + 60
    with subprocess.Popen([sys.executable, "-c", SESSION], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as session:
        while not (noted.exists() and noted.read_text()):
            assert session.poll() is None and time.monotonic() < late
            time.sleep(0.01)
        time.sleep(0.5)         # until it waits for its child, and no longer starts it
        session.send_signal(signal.SIGINT)
        assert session.communicate(timeout=60)[0] == "interrupted, then 0\n"
    while _lives(int(noted.read_text())):
        assert time.monotonic() < late
        time.sleep(0.01)


def _lives(number: int) -> bool:
    """Whether there is a process of that number that has not ended: one that nobody has collected yet has."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
