"""The commands that make the same run again."""
from __future__ import annotations

from quarl.build_flows.building.artefacts import BITSTREAM
from quarl.build_flows.report import commands
from quarl.build_flows.report.inputs import Run
from quarl.build_flows.report.markup import Html, code, join, tag


def section(run: Run) -> Html:
    """From nothing to this page."""
    build = [commands.build(run) + " --fmax" * (run.fmax is not None) + " --energy" * (run.energy is not None)]
    if run.bitstream:
        build.append(commands.build(run, BITSTREAM))
    lines = [*commands.train(run), commands.export(run), *build, commands.play(run), commands.report(run)]
    init = run.config.get("init")
    note = [tag("p", "Training starts from the fp32 run ", code(commands.path(init)), ", which must be there.")
            ] if init else []
    return join([tag("p", "With the versions below, these commands make the run again. Training on one CPU core is "
                          "fixed by the seed; the policy's hash tells whether the result is the same."), *note,
                 tag("pre", *map(code, lines), tabindex="0", aria_label="Commands")])
