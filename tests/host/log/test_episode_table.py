import csv

import pytest

from quarl.host.errors import ToolError
from quarl.host.log.episode_table import EpisodeTable
from tests.host.loop.closed_loop import of, play


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_for_each_episode_as_the_log_has_it(tmp_path):
    table = EpisodeTable(tmp_path / "table.csv")
    _, log = play(tmp_path / "log", episodes=3, max_steps=5, shadow=1.0, hz=1000, observers=[table])
    table.close()
    expected = [{name: str(value) for name, value in e.items() if name != "type"} for e in of("episode", log)]
    assert rows(tmp_path / "table.csv") == expected
    assert set(expected[0]) == {"episode", "seed", "length", "return", "wall_s", "policy_us", "device_us", "misses",
                                "shadow_checked", "shadow_mismatches"}


def test_each_row_is_there_at_once_and_an_earlier_table_gives_way(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old\n1\n")
    table = EpisodeTable(path)
    assert path.read_text() == "old\n1\n"
    for number in range(2):
        table.ended({"episode": number, "return": 0.5})
        assert rows(path) == [{"episode": str(n), "return": "0.5"} for n in range(number + 1)]
    table.close()


def test_a_table_that_was_never_begun(tmp_path):
    EpisodeTable(tmp_path / "table.csv").close()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses(tmp_path):
    with pytest.raises(ToolError, match="the output folder must be writable and have free space, found Is a dir"):
        EpisodeTable(tmp_path).ended({"episode": 0})
