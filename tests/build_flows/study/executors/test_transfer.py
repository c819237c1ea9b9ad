"""Run folders as parcels."""
import pytest

from quarl.build_flows.study.executors import transfer
from quarl.host.errors import ToolError


def test_a_run_folder_arrives_without_what_only_training_needs(tmp_path):
    run = tmp_path / "here" / "x"
    for name in ("config.yaml", "train/model.zip", "accel/rtl/top.sv", "train/checkpoint/replay.pkl",
                 "train/tensorboard/events", ".lock", "accel/.stage/file"):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text(name)
    parcel = transfer.pack(tmp_path / "here", ["x", "missing"])
    (tmp_path / "there" / "x" / "train").mkdir(parents=True)
    (tmp_path / "there" / "x" / "train" / "old").write_text("stays")
    transfer.unpack(parcel, tmp_path / "there")
    arrived = {path.relative_to(tmp_path / "there").as_posix(): path.read_text()
               for path in (tmp_path / "there").rglob("*") if path.is_file()}
    assert arrived == {"x/config.yaml": "config.yaml", "x/train/model.zip": "train/model.zip",
                       "x/accel/rtl/top.sv": "accel/rtl/top.sv", "x/train/old": "stays"}


def test_a_folder_that_cannot_be_written_is_explained(tmp_path):
    (tmp_path / "here" / "x").mkdir(parents=True)
    (tmp_path / "here" / "x" / "config.yaml").touch()
    (tmp_path / "there").write_text("a file")
    with pytest.raises(ToolError, match="the output folder must be writable"):
        transfer.unpack(transfer.pack(tmp_path / "here", ["x"]), tmp_path / "there")
