"""Signals end a command with exit code 130, whatever it or its libraries do with the exception."""
import signal
import subprocess
import sys
import time

import pytest

from quarl.host import commands

TIDY = "interrupted: nothing half-written was kept; repeat the command to go on\n"
AT_ONCE = "interrupted: the next command clears away what is half-written; repeat the command to go on\n"
NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

PROGRAM = """
import hashlib, sys, time
from quarl.host import commands

def wait():
    print("ready", flush=True)
    time.sleep(30)

def run(args):
{body}

def make():
    parser = commands.Parser(prog="quarl")
    parser.set_defaults(run=run, json=False)
    return parser

sys.exit(commands.main(make, None))
"""

TIDIES = """
try:
    wait()
finally:
    print("tidied", flush=True)"""
SWALLOWS = """
for _ in range(30):
    try:
        wait()
    except:
        pass"""
IN_C = """
print("ready", flush=True)
hashlib.pbkdf2_hmac("sha256", b"", b"", 1_000_000_000)"""
ENDS_WELL = """
try:
    wait()
except BaseException:
    pass"""
ENDS_OTHERWISE = """
try:
    wait()
except BaseException as error:
    raise ImportError("a part is missing") from error"""
TIDIES_LONG = """
try:
    wait()
finally:
    print("tidies", flush=True)
    time.sleep(30)"""
SERVES = """
import signal
signal.signal(signal.SIGTERM, lambda *_: print("noted", flush=True))
print("ready", flush=True)
time.sleep(4)
print("ended", flush=True)"""


def started(body):
    code = PROGRAM.format(body="\n".join("    " + line for line in body.splitlines()))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n", process.communicate()
    return process


def stopped(body, number):
    """Exit code, output, error and seconds after a signal."""
    with started(body) as process:
        time.sleep(0.5)         # until it is in what follows "ready"
        start = time.monotonic()
        process.send_signal(number)
        out, error = process.communicate(timeout=20)
        return process.returncode, out, error, time.monotonic() - start


@pytest.mark.parametrize("number", NUMBERS)
def test_a_command_tidies_and_ends(number):
    code, out, error, seconds = stopped(TIDIES, number)
    assert (code, out, error) == (130, "tidied\n", TIDY) and seconds < 2


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("body", [SWALLOWS, IN_C], ids=["swallowed", "in C"])
def test_a_signal_that_nobody_lets_through(body, number):
    code, _, error, seconds = stopped(body, number)
    assert (code, error) == (130, AT_ONCE) and seconds < 3.5


@pytest.mark.parametrize("body", [ENDS_WELL, ENDS_OTHERWISE], ids=["ends well", "an error"])
def test_a_signal_that_leads_to_something_else(body):
    code, _, error, _ = stopped(body, signal.SIGTERM)
    assert code == 130 and error.endswith(TIDY)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_second_signal_ends_it_at_once(number):
    with started(TIDIES_LONG) as process:
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "tidies\n"
        time.sleep(1)
        start = time.monotonic()
        process.send_signal(number)
        assert process.wait(20) == 130 and time.monotonic() - start < 1
        assert process.stderr.read() == AT_ONCE


def test_two_signals_in_a_row_are_one_request():
    """`timeout` signals a process, and then its group."""
    with started(TIDIES) as process:
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        assert (process.wait(20), process.stderr.read(), process.stdout.read()) == (130, TIDY, "tidied\n")


def test_whoever_has_a_handler_of_its_own_is_left_in_peace():
    code, out, error, _ = stopped(SERVES, signal.SIGTERM)
    assert (code, out, error) == (0, "noted\nended\n", "")


def test_a_caller_has_its_handlers_back():
    before = [signal.getsignal(number) for number in NUMBERS]

    def make():
        parser = commands.Parser(prog="quarl")
        parser.set_defaults(run=lambda args: {}, json=False)
        return parser
    assert commands.main(make, []) == 0
    assert [signal.getsignal(number) for number in NUMBERS] == before
    assert signal.set_wakeup_fd(-1) == -1
