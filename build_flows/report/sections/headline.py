"""What a reader wants to know first, and what does not fit together."""
from __future__ import annotations

from quarl.build_flows.report import commands, figures
from quarl.build_flows.report.inputs import Run
from quarl.build_flows.report.markup import Html, join, tag
from quarl.build_flows.report.sections.parity import mismatches


def section(run: Run) -> Html:
    """Title, six tiles, and a warning for every part that is of another policy, or of another accelerator."""
    policy, config = run.policy, run.config
    title = tag("header", tag("p", "QuaRL on FPGA", class_="brand"), tag("h1", f"{policy.task}: {run.name}"),
                tag("p", f"{policy.algo.upper()}, seed {config['seed']}", _hardware(run), class_="subtitle"))
    tiles = [_bits(run), _return(run), _latency(run), _lut(run), _parity(run)]
    return join([title, tag("div", _tile("Task", policy.task, _network(run)), *tiles, class_="tiles"), *_warnings(run)])


def _tile(label: str, value: str, note: str, kind: str = "") -> Html:
    return tag("div", tag("h2", label), tag("p", value, class_="value"), tag("p", note), class_=f"tile {kind}".strip())


def _hardware(run: Run) -> str:
    built = run.accelerator
    return "" if built is None else f" · {built.board}, engine {built.engine}, folding {built.fold}"


def _network(run: Run) -> str:
    widths = [run.policy.features, *(len(layer.weights) for layer in run.policy.layers)]
    return "network " + "-".join(map(str, widths))


def _bits(run: Run) -> Html:
    weight = figures.bits([layer.weight_bits for layer in run.policy.layers])
    act = figures.bits([layer.act_bits for layer in run.policy.layers if layer.act_bits])
    return _tile("Bits", f"W{weight} A{act} I{run.policy.input_bits}", "weights, activations, inputs")


def _return(run: Run) -> Html:
    if run.log is None:
        return _tile("Return", figures.NONE, "not run in the loop yet")
    summary = run.log.summary
    source = "emulated RTL" if summary["device"] == "emulator" else f"device {summary['device']}"
    return _tile(f"Return, {source}", figures.mean_std(summary["return_mean"], summary["return_std"]),
                 f"mean ± std of {figures.count(summary['episodes'])} episodes")


def _latency(run: Run) -> Html:
    if run.timing is None:
        return _tile("Latency", figures.NONE, "not built yet")
    cycles, clock = run.timing["latency_cycles"], run.timing["clock_mhz"]
    return _tile("Latency", figures.count(cycles, "cycles"), f"{figures.microseconds(cycles / clock)} at "
                 f"{figures.count(clock, 'MHz')}, observation in to action out")


def _lut(run: Run) -> Html:
    if run.synth is None:
        return _tile("LUTs of the board", figures.NONE, "not synthesised yet")
    used, there = run.synth["total"]["lut"], run.synth["board"]["lut"]
    return _tile("LUTs of the board", figures.percent(100 * used / there),
                 f"{figures.count(used)} of {figures.count(there)}", "bad" if used > there else "")


def _parity(run: Run) -> Html:
    if run.parity is None:
        return _tile("Parity", figures.NONE, "not compared yet")
    wrong, observations = mismatches(run.parity), figures.count(run.parity["observations"], "observations")
    if wrong:
        return _tile("Parity", f"✗ {figures.count(wrong)} mismatches", f"on {observations}", "bad")
    return _tile("Parity", "✓ bit-exact", f"0 mismatches on {observations}", "good")


def _warnings(run: Run) -> list[Html]:
    built, here = run.accelerator, run.policy.hash
    found = []
    if built is not None and built.policy_hash != here:
        found.append(f"The accelerator was made from another policy ({built.policy_hash[:12]}…) than the one in this "
                     f"run ({here[:12]}…). Repeat its command.")
    for log in run.others:
        what, other, ours = ("policy", log.run["policy"], here) if log.run["policy"] != here else (
            "accelerator", log.accelerator or "", built.hash if built else "")
        found.append(f"The closed-loop run in run/{log.path.name} is left out: it was played with another {what} "
                     f"({other[:12]}…) than the one in this run ({ours[:12]}…). Repeat `{commands.play(run)}`.")
    return [tag("p", f"⚠ {text}", class_="warning", role="alert") for text in found]
