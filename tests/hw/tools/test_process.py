"""Child processes whose output is not what one expects."""
import sys

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
