"""`quarl keys` and `quarl serve` as a user meets them."""
import json
import re
import signal
import subprocess
import sys

import pytest

from quarl.build_flows.building.ensure_package import ensure_package
from quarl.build_flows.cli import main
from quarl.host.policy.integer import accumulators
from quarl.host.remote.client import RemoteDevice
from tests.device_contract import random_codes

QUARL = [sys.executable, "-c", "import sys; from quarl.build_flows.cli import main; sys.exit(main())"]


def failed(capsys, *arguments):
    """Exit code 2 and the one line on standard error."""
    assert main([str(a) for a in arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1, error
    return error


def test_keys_are_made_once(tmp_path, capsys):
    folder = tmp_path / "keys"
    assert main(["keys", str(folder), "--json"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"new  {folder}/server.secret" and len(out) == 5
    assert json.loads(out[-1]) == {"folder": str(folder), "new": [line[5:] for line in out[:-1]]}
    assert main(["keys", str(folder)]) == 0
    assert capsys.readouterr().out == f"all keys are there already: {folder}\n"


@pytest.mark.parametrize(("arguments", "error"), [
    ([], "error: a server must have keys, found no --keys. "
         "Fix: make them with `quarl keys DIR` and pass --keys DIR, or --insecure on loopback.\n"),
    (["--insecure", "--bind", "tcp://0.0.0.0:0"],
     "error: a server without keys must listen on loopback, found tcp://0.0.0.0:0. "
     "Fix: make keys with `quarl keys DIR` and pass them with --keys DIR.\n"),
    (["--insecure", "--keys", "x"], "error: the command line must be valid, found argument --keys: not allowed with "
                                    "argument --insecure. Fix: see `quarl serve --help`.\n"),
    (["--insecure", "--device", "tcp://127.0.0.1:1"],
     "error: a server's device must be on its own machine, found tcp://127.0.0.1:1. Fix: serve it there.\n"),
    (["--insecure", "--bind", "x"], "error: the address must be tcp://HOST:PORT, found x. "
                                    "Fix: write for example tcp://127.0.0.1:5555.\n"),
    (["--insecure", "--lease", "0"], "error: a lease must be a positive number of seconds, found 0.0. "
                                     "Fix: leave --lease at 10.\n")])
def test_a_server_that_cannot_be(trained_run, capsys, arguments, error):
    assert failed(capsys, "serve", trained_run, "--device", "integer", *arguments) == error


def test_serve_until_a_signal(trained_run, tmp_path):
    assert main(["keys", str(tmp_path)]) == 0
    policy = ensure_package(trained_run)
    codes = random_codes(policy, 5, 0)
    with subprocess.Popen([*QUARL, "serve", str(trained_run), "--device", "integer", "--bind", "tcp://127.0.0.1:0",
                           "--keys", str(tmp_path), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as server:
        line = server.stdout.readline()
        address = re.fullmatch(r"serving CartPole-v1 \(policy [0-9a-f]{12}…\) on device integer at (tcp://\S+), "
                               r"with keys\n", line)[1]
        with RemoteDevice(policy, address, tmp_path) as device:
            found = [device.step(row).accumulators for row in codes]
        server.send_signal(signal.SIGTERM)
        out, error = server.communicate()
    assert (server.returncode, error) == (0, "")
    assert (found == accumulators(policy, codes)).all()
    *said, last = out.splitlines()
    assert said == ["client at 127.0.0.1 has the device", "client at 127.0.0.1 has left", "ended after 5 inferences"]
    result = json.loads(last)
    assert result.pop("repeated") >= 0                  # a busy machine may make the client ask again
    assert result == {"run": str(trained_run), "device": "integer", "inferences": 5, "sessions": 1, "outdated": 0,
                      "malformed": 0, "refused": 0}
