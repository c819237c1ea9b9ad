"""TensorBoard's own reader finds what was written."""
import subprocess
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from quarl.build_flows.deploy.tensorboard import Scalars


def write(folder, returns):
    scalars = Scalars(folder)
    for number, value in enumerate(returns):
        scalars.ended({"episode": number, "seed": 10 ** 6 + number, "length": 5, "return": value})
    scalars.close()


def test_every_figure_over_the_episodes(tmp_path):
    write(tmp_path / "run" / "x", [1.5, 2.5, -4.0])
    found = EventAccumulator(str(tmp_path / "run" / "x")).Reload()
    assert set(found.Tags()["scalars"]) == {"episode/length", "episode/return"}
    assert [(e.step, e.value) for e in found.Scalars("episode/return")] == [(0, 1.5), (1, 2.5), (2, -4.0)]


def test_an_earlier_run_gives_way_at_the_first_episode(tmp_path):
    write(tmp_path / "x", [1.0, 2.0])
    Scalars(tmp_path / "x").close()
    assert len(EventAccumulator(str(tmp_path / "x")).Reload().Scalars("episode/return")) == 2
    write(tmp_path / "x", [3.0])
    assert [e.value for e in EventAccumulator(str(tmp_path / "x")).Reload().Scalars("episode/return")] == [3.0]


def test_it_needs_neither_torch_nor_tensorflow(tmp_path):
    code = ("import sys\nfrom pathlib import Path\nfrom quarl.build_flows.deploy.tensorboard import Scalars\n"
            "assert 'tensorboard' not in sys.modules\n"
            f"scalars = Scalars(Path({str(tmp_path / 'x')!r}))\nscalars.ended({{'episode': 0, 'return': 1.0}})\n"
            "scalars.close()\nassert not {'torch', 'tensorflow'} & set(sys.modules)\nprint('light')")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "light\n", done.stderr
