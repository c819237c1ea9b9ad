"""A run folder is data: whatever its files hold, loading it and going on with it runs none of that."""
import base64
import io
import json
import os
import pickle
import shutil
import zipfile

import numpy as np
import pytest
import torch

from quarl.host import policy as package
from quarl.host.errors import UserError
from quarl.models.actors.bits import Bits
from quarl.models.export.package import export_run
from quarl.models.play.evaluate import evaluate
from quarl.models.ptq.quantise import PtqConfig, ptq
from quarl.models.runs.run_folder import load_run
from quarl.models.sb3.algorithms import ALGORITHMS
from quarl.models.tasks import presets
from quarl.models.training import supervisor
from quarl.models.training.train import TrainConfig, train

SETTINGS = {"net_arch": [8], "n_envs": 2, "n_steps": 16, "batch_size": 16, "learning_starts": 40, "buffer_size": 300,
            "train_freq": 4, "gradient_steps": 2, "eval_every": 160, "checkpoint_every": 160, "eval_episodes": 1,
            "target_return": None}
RUNS = {"dqn": "CartPole-v1", "sac": "Pendulum-v1"}


class Killed(BaseException):
    pass


def config(algo, out):
    settings = {key: value for key, value in SETTINGS.items() if key in presets.preset(algo, RUNS[algo])}
    return TrainConfig(RUNS[algo], out, algo, Bits(4, 4), 5, 640, settings=settings)


@pytest.fixture(scope="module", params=RUNS)
def run(request, tmp_path_factory):
    """The name of an algorithm; a run of it that was killed, and one that has finished, in one folder."""
    folder, record = tmp_path_factory.mktemp(request.param), supervisor.Supervisor._record

    def killed(self, returns):
        if self.num_timesteps >= 480:
            raise Killed
        record(self, returns)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(supervisor.Supervisor, "_record", killed)
        train(config(request.param, folder / "killed"))
    shutil.copytree(folder / "killed", folder / "finished")
    train(config(request.param, folder / "finished"))
    return request.param, folder


class Payload:
    """Unpickled, it makes the folder ``made``."""

    def __init__(self, made):
        self.made = str(made)

    def __reduce__(self):
        return os.mkdir, (self.made,)


def poisoned(path, made):
    """What a file may hold in the place of what it should, each as bytes."""
    payload = Payload(made)
    yield pickle.dumps(payload)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        with io.BytesIO() as tensors:
            torch.save({"payload": payload}, tensors)
            saved = tensors.getvalue()
        for name in members:
            yield zipped({**members, name: pickle.dumps(payload)})
            if name.endswith(".pth"):
                yield zipped({**members, name: saved})
    if path.suffix == ".npz":
        with np.load(path) as archive:
            arrays = dict(archive)
        for name in arrays:
            with io.BytesIO() as archive:
                np.savez(archive, **{**arrays, name: np.array(payload, object)})
                yield archive.getvalue()


def zipped(members):
    with io.BytesIO() as data:
        with zipfile.ZipFile(data, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return data.getvalue()


def files(folder):
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and "tensorboard" not in path.parts]


def test_a_payload_runs_where_it_is_unpickled(tmp_path):
    """Thus a test in which it does not has not unpickled it."""
    pickle.loads(pickle.dumps(Payload(tmp_path / "made")))
    assert (tmp_path / "made").exists()


def test_no_file_of_a_finished_run_is_run(run, tmp_path):
    _, folder = run
    shutil.copytree(folder / "finished", tmp_path / "run")
    made, refused = tmp_path / "made", set()
    names = {str(path.relative_to(tmp_path / "run")) for path in files(tmp_path / "run")}
    assert {"config.yaml", "train/model.zip", "train/normaliser.npz", "train/result.json", "train/analysis.json",
            "train/checkpoint/history.json", "train/checkpoint/best/normaliser.npz"} <= names
    for path in files(tmp_path / "run"):
        good = path.read_bytes()
        for data in list(poisoned(path, made)):
            path.write_bytes(data)
            try:
                load_run(tmp_path / "run")
            except UserError:
                refused.add(str(path.relative_to(tmp_path / "run")))
            assert not made.exists()
        path.write_bytes(good)
    assert refused == {"config.yaml", "train/model.zip", "train/normaliser.npz", "train/result.json"}
    assert len(evaluate(tmp_path / "run", 1)) == 1


def test_no_file_of_a_checkpoint_is_run(run, tmp_path, monkeypatch):
    algo, folder = run
    shutil.copytree(folder / "killed", tmp_path / "run")
    monkeypatch.setattr(supervisor.Supervisor, "_on_rollout_start", lambda self: (_ for _ in ()).throw(Killed))
    made, refused = tmp_path / "made", set()
    for path in files(tmp_path / "run"):
        good = path.read_bytes()
        for data in list(poisoned(path, made)):
            path.write_bytes(data)
            with pytest.raises((Killed, UserError)) as ended:
                train(config(algo, tmp_path / "run"))
            if ended.type is UserError:
                refused.add(str(path.relative_to(tmp_path / "run")))
            assert not made.exists()
        path.write_bytes(good)
    table = {"train/progress.csv"} & {str(path.relative_to(tmp_path / "run")) for path in files(tmp_path / "run")}
    assert refused == {"config.yaml", "train/checkpoint/model.zip", "train/checkpoint/normaliser.npz",
                       "train/checkpoint/history.json", "train/checkpoint/replay.npz", *table}


def test_the_pickles_of_stable_baselines_are_not_read(run, tmp_path):
    """``model.zip`` can be loaded with its ``load`` too, which does read them."""
    algo, folder = run
    shutil.copytree(folder / "finished", tmp_path / "run")
    model, made = tmp_path / "run" / "train" / "model.zip", tmp_path / "made"
    theirs = ALGORITHMS[algo].model.load(model, device="cpu")
    torch.testing.assert_close(load_run(tmp_path / "run").model.get_parameters(), theirs.get_parameters(), rtol=0,
                               atol=0, equal_nan=True)
    with zipfile.ZipFile(model) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    payload = {":type:": "x", ":serialized:": base64.b64encode(pickle.dumps(Payload(made))).decode()}
    attributes = {**json.loads(members["data"]), "policy_class": payload}
    model.write_bytes(zipped({**members, "data": json.dumps(attributes).encode()}))
    load_run(tmp_path / "run")
    assert len(evaluate(tmp_path / "run", 1)) == 1 and not made.exists()
    with pytest.raises(TypeError, match="'NoneType' object is not callable"):        # what os.mkdir returned
        ALGORITHMS[algo].model.load(model, device="cpu")
    assert made.exists()


def old(folder, made):
    """Make ``folder``'s normaliser one of an earlier version."""
    (folder / "normaliser.npz").unlink()
    (folder / "vecnormalize.pkl").write_bytes(pickle.dumps(Payload(made)))


def test_a_run_of_an_earlier_version_is_refused_and_its_package_is_not(run, tmp_path):
    algo, folder = run
    shutil.copytree(folder / "finished", tmp_path / "run")
    policy = package.read(export_run(tmp_path / "run"))
    old(tmp_path / "run" / "train", tmp_path / "made")
    message = (r"/ must hold its normaliser as numbers, normaliser\.npz, found vecnormalize\.pkl of an earlier "
               r"version, which could run code, in .*\. Fix: delete train/ and train again; an exported policy/ needs "
               r"neither and goes on working\.")
    for use in (load_run, evaluate, export_run):
        with pytest.raises(UserError, match="train" + message):
            use(tmp_path / "run")
    assert package.read(tmp_path / "run" / "policy").hash == policy.hash
    shutil.copytree(folder / "killed", tmp_path / "killed")
    old(tmp_path / "killed" / "train" / "checkpoint", tmp_path / "made")
    with pytest.raises(UserError, match="checkpoint" + message):
        train(config(algo, tmp_path / "killed"))
    assert not (tmp_path / "made").exists()
    shutil.rmtree(tmp_path / "killed" / "train")                       # the fix
    assert train(config(algo, tmp_path / "killed"))["trained_timesteps"] == 640


def test_a_quantised_run_reads_its_source_so_too(tmp_path):
    train(TrainConfig("CartPole-v1", tmp_path / "fp32", steps=64, settings={
        key: value for key, value in SETTINGS.items() if key in presets.preset("ppo", "CartPole-v1")}))
    old(tmp_path / "fp32" / "train", tmp_path / "made")
    with pytest.raises(UserError, match="must hold its normaliser as numbers"):
        ptq(PtqConfig(tmp_path / "fp32", tmp_path / "out", Bits(4, 4)))
    assert not (tmp_path / "made").exists() and not (tmp_path / "out").exists()


def test_numbers_of_the_wrong_kind_are_refused(run, tmp_path):
    _, folder = run
    shutil.copytree(folder / "finished", tmp_path / "run")
    path = tmp_path / "run" / "train" / "normaliser.npz"
    with np.load(path) as archive:
        arrays = dict(archive)
    for changes in ({"obs_mean": arrays["obs_mean"][:-1]}, {"obs_var": arrays["obs_var"].astype(complex)},
                    {"observations_box": arrays["observations_box"][:, :-1]}):
        np.savez(path, **{**arrays, **changes})
        with pytest.raises(UserError, match=r"train/ must hold a whole model\.zip and normaliser\.npz, as config\.yaml "
                                            r"has it, found .*\. Fix: delete train/ and train again\."):
            load_run(tmp_path / "run")
