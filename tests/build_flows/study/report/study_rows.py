"""Results of a made-up study: two tasks, two algorithms, engines rom and dsp, three seeds."""
from quarl.build_flows.study.grid import Point, Row, Study
from quarl.build_flows.study.results import Record

SEEDS = (0, 1, 2)


def point(precision: str, seed: int = 0, task: str = "CartPole-v1", algo: str = "ppo", engine: str | None = None,
          **changes: object) -> Point:
    settings = {"total_steps": 512, "net_arch": [32, 16]}
    return Point(task, algo, precision, seed, settings, episodes=2, engine=engine,
                 folding="balanced" if engine else None, **changes)     # type: ignore[arg-type]


def record(made: Point, mean: float, lut: int = 0, estimate: int = 0, cycles: int = 0,
           energy: float | None = None) -> Record:
    """The result of ``made``, whose two episodes returned ``mean`` more and less than 1; ``energy`` in nJ."""
    found: Record = {
        "name": made.name, "point": made.describe(), "training": {"trained_timesteps": 512, "seconds": 0.5},
        "evaluation": {"backend": "emulator" if made.engine else "integer" if made.quantised else "torch",
                       "episodes": 2, "seed": 0, "returns": [mean - 1, mean + 1]},
        "parity": {"observations": 12000, "mismatches": 0} if made.quantised else None, "seconds": 1.0, "versions": {}}
    if made.engine:
        counts = dict.fromkeys(("lut_logic", "lut_memory", "ff", "carry4", "dsp", "bram36"), 0)
        found["hardware"] = {
            "board": "pynq-z2", "clock_mhz": 100, "folding": [[4, 4]], "latency_cycles": cycles,
            "interval_cycles": 64.0, "synthesis": {"lut": lut, **counts}, "percent": {"lut": 2.3},
            "build_seconds": 40.0,
            "estimate": {"latency_cycles": cycles, "interval_cycles": 64, "lut": estimate, "dsp": 0}}
        if energy is not None:
            found["hardware"]["energy_nj"] = {"low": energy / 2, "nominal": energy, "high": energy * 4}
    return found


def make_study() -> tuple[Study, dict[str, Record]]:
    """fp32, ptq4 and qat 8, 4 and 2 in software; CartPole's qat 4 and 2 and their mixtures as hardware, one failed.

    The energy of the designs with engine rom is estimated, of those with dsp it is not.
    """
    records: list[tuple[Point, Record]] = []
    for task, algo, best in (("CartPole-v1", "ppo", 500.0), ("CartPole-v1", "dqn", 400.0),
                             ("Pendulum-v1", "ddpg", -150.0)):
        for precision, loss in (("fp32", 0.0), ("ptq4", 90.0), ("qat8", 3.0), ("qat4", 6.0), ("qat2", 60.0)):
            for seed in SEEDS:
                made = point(precision, seed, task, algo)
                records.append((made, record(made, best - loss - seed)))
    for engine, scale in (("rom", 1000), ("dsp", 3000)):
        for precision, bits, mean in (("qat4", 4, 494.0), ("qat2", 2, 440.0), ("qatW4A2", 3, 460.0),
                                      ("qatW2A4", 3, 430.0)):
            for seed in SEEDS:
                made = point(precision, seed, engine=engine)
                lut = scale * bits + 10 * seed
                energy = 20.0 * bits + seed if engine == "rom" else None
                records.append((made, record(made, mean - seed, lut, lut * 11 // 10, 20 * bits, energy)))
    failed = point("qat8", engine="rom")
    records.append((failed, {"name": failed.name, "point": failed.describe(), "error": "does not fit <the board>"}))
    rows: dict[tuple[str, str], list[Point]] = {}
    for made, _ in records:
        rows.setdefault((made.task, made.algo), []).append(made)
    study = Study("made-up", tuple(Row("core", *key, "", tuple(points)) for key, points in rows.items()), {})
    return study, {made.name: each for made, each in records}
