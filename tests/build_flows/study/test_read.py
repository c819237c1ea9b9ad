"""The YAML file of a study, and what is said of a wrong one."""
from pathlib import Path

import pytest

from build_flows.study.points import jobs_of
from build_flows.study.read import read_study
from host.errors import UserError

QUARL = Path(__file__).parents[3] / "studies" / "quarl.yaml"


def read(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return read_study(path)


def test_a_group_is_every_combination(tmp_path):
    study = read(tmp_path, """
        episodes: 7
        seeds: [0, 1]
        precisions: [fp32, qat4]
        groups:
          - {tasks: CartPole-v1, algos: [ppo, dqn]}
          - {part: wide, tasks: Acrobot-v1, algos: ppo, seeds: 5, precisions: fp16, steps: 999}
        """)
    assert study.name == "mine"
    assert [point.title for point in study.points("core")] == [
        f"CartPole-v1 {algo} {precision} seed {seed}"
        for seed in (0, 1) for algo in ("ppo", "dqn") for precision in ("fp32", "qat4")]
    wide, = study.points("wide")
    assert (wide.title, wide.episodes, wide.settings["total_steps"]) == ("Acrobot-v1 ppo fp16 seed 5", 7, 999)
    assert [(row.part, row.algo, row.note) for row in study.rows] == [
        ("core", "ppo", ""), ("core", "dqn", ""), ("wide", "ppo", "999 steps")]


def test_widths_concern_quantised_points_only(tmp_path):
    study = read(tmp_path, """
        precisions: [fp32, ptq4]
        groups:
          - {tasks: CartPole-v1, algos: ppo}
          - {tasks: CartPole-v1, algos: ppo, input_bits: 5, per_channel: true}
        """)
    assert [point.title for point in study.points()] == [
        "CartPole-v1 ppo fp32 seed 0", "CartPole-v1 ppo ptq4 seed 0", "CartPole-v1 ppo ptq4 per-channel i5 seed 0"]
    assert study.rows[1].note == "per channel, 5-bit input"
    assert len(jobs_of(study.points())) == 1


def test_the_study_of_this_repository():
    study = read_study(QUARL)
    core = study.points("core")
    assert study.parts == ["core", "wide", "atari"]
    assert {(row.task, row.algo) for row in study.rows if row.part == "core"} == {
        ("CartPole-v1", "ppo"), ("CartPole-v1", "a2c"), ("CartPole-v1", "dqn"), ("Acrobot-v1", "ppo"),
        ("Pendulum-v1", "ddpg"), ("Pendulum-v1", "sac"), ("LunarLander-v3", "ppo"), ("Navigation-v0", "ppo")}
    assert len(core) == 8 * 7 * 3
    assert len(jobs_of(core)) == 8 * 4 * 3          # one fp32 training serves the three that are quantised from it
    assert study.rl_zoo["CartPole-v1"]["ppo"] == 500


GROUP = "groups: [{tasks: CartPole-v1, algos: ppo, precisions: fp32%s}]"


@pytest.mark.parametrize(("text", "rule", "found", "fix"), [
    ("grups: []", "a key of .*mine.yaml must be one of name, episodes, ", "grups", "write groups"),
    (GROUP % ", perchannel: true", "a key of group 1 of .*mine.yaml must be one of part, tasks, ", "perchannel",
     "write per_channel"),
    (GROUP % ", qqqqqq: 1", "a key of group 1 ", "qqqqqq", "remove it"),
    ("groups: [3]", "group 1 of .*mine.yaml must be a mapping", "3", "see studies/quarl.yaml"),
    ("[]", "mine.yaml must be a mapping", r"\[\]", "see studies/quarl.yaml"),
    ("{", "a study must be a readable YAML file", "while parsing", "see studies/quarl.yaml"),
    ("name: x", "a study must have at least one point", "none in .*mine.yaml", "give it a group: "),
    ("groups: [{tasks: CartPole-v1, algos: ppo}]", "a study must have at least one point", "none in",
     "give it a group"),
    (GROUP % ", seeds: []", "a study must have at least one point", "none in", "give it a group"),
    ("groups: [{tasks: CartPole-v1, algos: ppo, precisions: qat9}]", "a precision must be fp32, fp16, ptqN or qatN",
     "qat9", "write for example qat4"),
    (GROUP % ", seeds: [0, -1]", "seeds must be a whole number of 0 or more", "-1", "write seeds: 1"),
    (GROUP % ", steps: 1e6", "steps must be a whole number of 1 or more", "1e6", "write steps: 1"),
    (GROUP % "" + "\nepisodes: 0", "episodes must be a whole number of 1 or more", "0", "write episodes: 1"),
    ("groups: [{tasks: CartPole-v1, algos: ppo, precisions: qat4, input_bits: 9}]",
     "input bits must be a whole number from 2 to 8", "9", "choose --input-bits between 2 and 8"),
    ("groups: [{tasks: CartPole-v1, algos: pqo, precisions: fp32}]", "the algorithm must be one of a2c, ", "pqo",
     "correct the group in .*mine.yaml"),
    ("groups: [{tasks: Pong, algos: ppo, precisions: fp32}]", "the task must be one that ppo has a preset for", "Pong",
     "correct the group in .*mine.yaml, or give it `steps`"),
    ("groups: [{tasks: 3, algos: ppo, precisions: fp32}]", "tasks must be a name or a list of names", "3",
     "see `tasks`"),
    ("name: a/b\n" + GROUP % "", "a study's name must consist of letters, digits", "a/b", "name it otherwise"),
    ("rl_zoo: 3\n" + GROUP % "", "rl_zoo must map tasks to algorithms to returns", "3", "write for example rl_zoo"),
])
def test_a_wrong_study_is_explained(tmp_path, text, rule, found, fix):
    with pytest.raises(UserError, match=f"{rule}.*found {found}.*Fix: {fix}"):
        read(tmp_path, text)


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"a study must be a readable YAML file, found .*No such file.*nowhere.yaml"):
        read_study(tmp_path / "nowhere.yaml")
