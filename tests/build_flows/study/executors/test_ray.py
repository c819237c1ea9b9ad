"""Studies on a Ray cluster of two nodes on this machine, and what is said of a cluster that is none."""
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from quarl.build_flows import cli
from quarl.build_flows.study import jobs, results, runner
from quarl.build_flows.study.executors.local import Local
from quarl.build_flows.study.executors.ray import Ray
from quarl.build_flows.study.read import read_study
from quarl.host.errors import ToolError, UserError
from tests.build_flows.study import study_work


@pytest.fixture
def port():
    """A port that nobody listens on, and that nobody else gets."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


@pytest.fixture
def study(tmp_path):
    (tmp_path / "tiny.yaml").write_text(study_work.GRID)
    return read_study(tmp_path / "tiny.yaml")


def test_an_unreachable_cluster_is_one_error_at_once(study, tmp_path, port, capsys):
    address, folder = f"ray://127.0.0.1:{port}", tmp_path / "results" / "tiny"
    runner.run(study, study.points()[:1], tmp_path / "runs", folder, Local(1), study_work.quick)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert cli.main(["study", str(tmp_path / "tiny.yaml"), "--executor", address]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: the Ray cluster must be reachable, found [Errno 111] Connection refused at "
                            f"{address}. Fix: start it with `ray start --head`") and shown.count("\n") == 1
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("address", ["ray://", "ray://somewhere", "ray://somewhere:port"])
def test_an_address_that_is_none(address):
    with pytest.raises(UserError, match=f"--executor must be local, ray or ray://HOST:PORT, found {address}"):
        Ray(address, None)


def test_ray_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ToolError, match=r"--executor ray needs Ray, found .*Fix: install it"):
        Ray(None, None)


@pytest.mark.slow
def test_a_port_that_is_not_ray_s(port):
    pytest.importorskip("ray")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        with pytest.raises(ToolError, match="the Ray cluster must be reachable, found "):
            Ray(f"ray://127.0.0.1:{listening.getsockname()[1]}", None)


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """What ray_cluster.py says of the cluster that it has started; ``lose()`` ends its second node."""
    ray = pytest.importorskip("ray")
    here = Path(__file__).parent
    for name, value in {"QUARL_CACHE": tmp_path / "cache", "QUARL_TEST_LOST_NODE": tmp_path / "lost",
                        "RAY_agent_register_timeout_ms": 120_000,       # the machine may have much else to do
                        "PYTHONPATH": str(here.parents[3])}.items():
        monkeypatch.setenv(name, str(value))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        client = free.getsockname()[1]
    with subprocess.Popen([sys.executable, str(here / "ray_cluster.py"), str(client)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        said = next((line for line in process.stdout if line.startswith("{")), None)
        assert said, "the cluster did not start"
        found = SimpleNamespace(**json.loads(said))
        found.lose = lambda: print(file=process.stdin, flush=True)
        monkeypatch.setenv("RAY_ADDRESS", found.address)
        yield found
        ray.shutdown()
        process.stdin.close()


def executed(study, tmp_path, work=study_work.quick):
    return runner.run(study, study.points(), tmp_path / "runs", tmp_path / "kept", Ray(None, None), work)


@pytest.mark.slow
def test_what_is_lost_with_a_worker_is_done_again(study, tmp_path, cluster):
    records = executed(study, tmp_path, study_work.dies_once)
    assert all(results.is_done(records[point.name]) for point in study.points())
    assert (tmp_path / "cache" / "study" / "runs" / "died").exists()


@pytest.mark.slow
def test_a_job_that_kills_its_worker_fails_alone(study, tmp_path, cluster):
    records = executed(study, tmp_path, study_work.dies_beside)
    errors = [records[point.name].get("error") for point in study.points()]
    assert errors == [None, errors[1], None, None]
    assert errors[1].startswith("a job must not end the process that does it, found a process that was killed in both")
    lines = (tmp_path / "cache" / "study" / "runs" / "log").read_text().split()
    assert sum(map(str.isdigit, lines)) == 2 and lines.count("begun") == 1


@pytest.mark.slow
def test_what_is_lost_with_a_node_is_done_again(study, tmp_path, cluster):
    mark = tmp_path / "lost"
    mark.write_text(cluster.second)

    def lose():
        while not mark.with_suffix(".arrived").exists():
            time.sleep(0.1)
        cluster.lose()
    threading.Thread(target=lose, daemon=True).start()
    records = executed(study, tmp_path, study_work.stays_away)
    assert mark.with_suffix(".arrived").exists()        # a job was there when the node went
    assert all(results.is_done(records[point.name]) for point in study.points())


REAL = """\
name: real
episodes: 2
groups: [{tasks: CartPole-v1, algos: ppo, steps: 512, precisions: [qat4, fp32, ptq4], seeds: [0, 1]}]
"""


@pytest.mark.slow
def test_the_same_numbers_as_here_without_a_shared_folder(tmp_path, cluster, capsys, monkeypatch):
    (tmp_path / "real.yaml").write_text(REAL)
    study = read_study(tmp_path / "real.yaml")
    assert cli.main(["study", str(tmp_path / "real.yaml"), "--executor", cluster.client, "--runs",
                     str(tmp_path / "far"), "--results", str(tmp_path / "far-results"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["done"] == 6
    runner.run(study, study.points(), tmp_path / "near", tmp_path / "near-results", Local(1), jobs.perform)
    for point in study.points():
        far, near = (results.read(tmp_path / name, point) for name in ("far-results", "near-results"))
        for record in (far, near):
            del record["seconds"], record["training"]["seconds"]
        assert far == near
        assert (tmp_path / "far" / point.name / "train" / "model.zip").exists()
        assert not (tmp_path / "far" / point.name / "train" / "checkpoint").exists()
