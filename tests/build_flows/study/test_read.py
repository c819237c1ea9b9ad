"""The YAML file of a study, and what is said of a wrong one."""
from pathlib import Path

import pytest

from quarl.build_flows.study import runner, tables
from quarl.build_flows.study.jobs import jobs_of
from quarl.build_flows.study.read import read_study
from quarl.host.errors import UserError

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


@pytest.mark.parametrize(("line", "wanted"), [("", False), ("energy: true", True), ("energy: false", False)])
def test_the_energy_of_designs_is_asked_for_at_the_top(tmp_path, line, wanted):
    study = read(tmp_path, f"""
        groups: [{{tasks: CartPole-v1, algos: ppo, precisions: [fp32, qat4], engines: rom}}]
        {line}
        """)
    assert [point.energy for point in study.points()] == [wanted] * 2


@pytest.mark.parametrize("first", ["energy: true", "energy: false"])
def test_a_group_may_ask_for_the_energy_of_some_points(tmp_path, first):
    other = "energy: false" if first == "energy: true" else "energy: true"
    study = read(tmp_path, f"""
        energy: false
        precisions: qat4
        groups:
          - {{tasks: CartPole-v1, algos: ppo, engines: rom, seeds: [0, 1], {first}}}
          - {{tasks: CartPole-v1, algos: ppo, engines: rom, seeds: 0, {other}}}
        """)
    both = first == "energy: true"
    assert [(point.seed, point.energy) for point in study.points()] == [(0, True), (1, both)], "each point once"
    assert [len(job.designs) for job in jobs_of(study.points())] == [1, 1]


def titles(study):
    return [point.title.removeprefix("CartPole-v1 ppo ") for point in study.points()]


def test_designs_are_those_of_quantised_policies(tmp_path):
    study = read(tmp_path, """
        groups: [{tasks: CartPole-v1, algos: ppo, precisions: [fp32, ptq4], engines: [rom, dsp],
                  folding: [balanced, min-area]}]
        """)
    assert titles(study) == ["fp32 seed 0", "ptq4 rom balanced seed 0", "ptq4 rom min-area seed 0",
                             "ptq4 dsp balanced seed 0", "ptq4 dsp min-area seed 0"]
    job, = jobs_of(study.points())
    assert [len(job.points), len(job.designs)] == [1, 4]


def test_designs_for_other_boards(tmp_path):
    study = read(tmp_path, """
        groups: [{tasks: CartPole-v1, algos: ppo, precisions: qat4, engines: rom, board: [pynq-z2, KV260_SOM]},
                 {tasks: CartPole-v1, algos: ppo, precisions: qat4, engines: rom}]
        """)
    assert titles(study) == ["qat4 rom balanced seed 0", "qat4 rom balanced kv260 seed 0"]
    assert [point.board for point in study.points()] == ["pynq-z2", "kv260"]
    assert len({point.policy for point in study.points()}) == 1


def test_widths_are_a_grid_and_take_the_place_of_the_precisions_of_the_file(tmp_path):
    study = read(tmp_path, """
        precisions: [fp32, qat8]
        groups:
          - {tasks: CartPole-v1, algos: ppo, weight_bits: [2, [8, 3, 8]], act_bits: [2, 4], methods: [qat, ptq]}
          - {tasks: CartPole-v1, algos: ppo, precisions: [qatW4A4], weight_bits: 5, act_bits: 5}
        """)
    assert titles(study) == [f"{method}{widths} seed 0" for method in ("qat", "ptq") for widths in (
        "2", "W2A4", "W8-3-8A2", "W8-3-8A4")] + ["qat4 seed 0", "qat5 seed 0"]


def test_every_combination_of_sizes_and_input_bits_is_a_row(tmp_path):
    study = read(tmp_path, """
        groups: [{tasks: CartPole-v1, algos: ppo, precisions: qat4, hidden: [[64, 64], [32, 32]], input_bits: [8, 4],
                  per_channel: [false, true]}]
        """)
    assert [row.note for row in study.rows] == [
        "", "per channel", "4-bit input", "per channel, 4-bit input", "hidden 32-32", "per channel, hidden 32-32",
        "4-bit input, hidden 32-32", "per channel, 4-bit input, hidden 32-32"]
    assert [row.points[0].settings["net_arch"] for row in study.rows] == [[64, 64]] * 4 + [[32, 32]] * 4
    assert titles(study)[4] == "qat4 h32x32 seed 0"


def test_the_sizes_are_the_actor_s(tmp_path):
    study = read(tmp_path, "groups: [{tasks: Pendulum-v1, algos: ddpg, precisions: qat4, hidden: [32, 16]}]")
    assert study.points()[0].settings["net_arch"] == {"pi": [32, 16], "qf": [64, 64]}


def test_the_hardware_study_of_this_repository():
    study = read_study(QUARL.with_name("bitwidth_vs_lut.yaml"))
    core, grid = study.points("core"), study.points("grid")
    assert len(core) == 3 * 3 * (1 + 5 * 2) and len(grid) == 25
    assert len({point.name for point in core} & {point.name for point in grid}) == 5     # equal widths
    assert {(point.engine, point.folding) for point in core if point.engine} == {("rom", "200"), ("dsp", "200")}
    assert {(point.task, point.seed) for point in core if point.energy} == {("CartPole-v1", 0)}


@pytest.mark.parametrize(("name", "part"), [("quarl", "core"), ("bitwidth_vs_lut", None)])
def test_the_results_of_this_repository_are_whole(tmp_path, name, part):
    study = read_study(QUARL.with_name(f"{name}.yaml"))
    folder = QUARL.parents[1] / "docs" / "results" / name
    records = runner.kept(study, folder)
    assert runner.pending(study.points(part), records) == []
    assert all(record["parity"]["mismatches"] == 0 for record in records.values() if record["parity"])
    tables.write(study, tmp_path, records)
    for file in ("results.csv", "table.md"):
        assert (tmp_path / file).read_text() == (folder / file).read_text(), f"{file} is made of the points"


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
    (GROUP % ", settings: {gamma: 0.9}", "a key of group 1 ", "settings", "remove it; trainings have their preset's"),
    (GROUP % ", engine: rom", "a key of group 1 ", "engine", "write engines"),
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
    (GROUP % "" + "\nenergy: 5", "energy must be true or false", "5", "write energy: true"),
    ("groups: [{tasks: CartPole-v1, algos: ppo, precisions: qat4, input_bits: 9}]",
     "input bits must be a whole number from 2 to 8", "9", "choose --input-bits between 2 and 8"),
    ("groups: [{tasks: CartPole-v1, algos: pqo, precisions: fp32}]", "the algorithm must be one of a2c, ", "pqo",
     "correct the group in .*mine.yaml"),
    ("groups: [{tasks: Pong, algos: ppo, precisions: fp32}]", "the task must be one that ppo has a preset for", "Pong",
     "correct the group in .*mine.yaml, or give it `steps`"),
    ("groups: [{tasks: 3, algos: ppo, precisions: fp32}]", "tasks must be a name or a list of names", "3",
     "see `tasks`"),
    (GROUP % ", engines: [rom, cpu]", "engines must be of rom, dsp, lut", "cpu", "choose one of them"),
    (GROUP % ", engines: rom, folding: fast", "folding must be min-area, ", "fast",
     "choose one of them, or pass for example 100"),
    (GROUP % ", folding: balanced", "folding goes with engines", "folding: balanced", "give engines"),
    (GROUP % ", board: kv260", "board goes with engines", "board: kv260", "give engines"),
    (GROUP % ", engines: rom, board: kv2600", "the board must be a known one", "'kv2600'", "write kv260, or choose"),
    (GROUP % ", engines: rom, board: [3]", "board must be a name or a list of names", "3", "see `board`"),
    (GROUP % ", engines: rom, board: kv260" + "\nenergy: true", "energy: true knows the cells and the leakage of an "
     "xc7z020", "board: kv260", "write energy: false, or board: pynq-z2"),
    ("groups: [{tasks: CartPole-v1, algos: ppo, precisions: qat4, engines: []}]",
     "a study must have at least one point", "none in", "give it a group"),
    (GROUP % ", methods: qta, weight_bits: 4, act_bits: 4", "methods must be of qat, ptq", "qta", "choose one of them"),
    (GROUP % ", weight_bits: [2, 4]", "weight_bits and act_bits go together", "one without", "give both"),
    (GROUP % ", weight_bits: 9, act_bits: 4", "weight bits must be a whole number from 2 to 8", "9", "choose"),
    (GROUP % ", weight_bit: 4", "a key of group 1 of .*mine.yaml must be one of", "weight_bit", "write weight_bits"),
    (GROUP % ", hidden: [[64, 0]]", "hidden must be a whole number of 1 or more", "0", "write hidden: 1"),
    ("groups: [{tasks: ALE/Pong-v5, algos: ppo, precisions: qat4, hidden: [64]}]", "hidden is for policies that read a "
     "vector", "hidden for ALE/Pong-v5", "remove it"),
    ("name: a/b\n" + GROUP % "", "a study's name must consist of letters, digits", "a/b", "name it otherwise"),
    ("rl_zoo: 3\n" + GROUP % "", "rl_zoo must map tasks to algorithms to returns", "3", "write for example rl_zoo"),
])
def test_a_wrong_study_is_explained(tmp_path, text, rule, found, fix):
    with pytest.raises(UserError, match=f"{rule}.*found {found}.*Fix: {fix}"):
        read(tmp_path, text)


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"a study must be a readable YAML file, found .*No such file.*nowhere.yaml"):
        read_study(tmp_path / "nowhere.yaml")
