"""Energy: what an action is estimated to take, and of which kinds of cells and parts of the design."""
from __future__ import annotations

from quarl.build_flows.report import commands, figures
from quarl.build_flows.report.inputs import Run
from quarl.build_flows.report.markup import Html, join, missing, table, tag

KINDS = {"lut": "Look-up tables", "mux": "F7 and F8 multiplexers", "carry": "Carry chains", "ff": "Flip-flops",
         "memory": "Look-up tables as memory", "route": "Routing, toggles × pins", "operand": "DSP48 operands, bits",
         "bram18": "Block RAM, 18 kbit, accesses", "bram36": "Block RAM, 36 kbit, accesses",
         "clock": "Clock pins, cycles"}


def section(run: Run) -> Html:
    """The estimate with its range, labelled as one, by kind of cell and by part."""
    if run.energy is None:
        return missing("An estimate of the energy of an action is", commands.build(run) + " --energy")
    found = run.energy
    label, columns = found["label"], ["Low, nJ", "Nominal, nJ", "High, nJ"]
    note = (f"This is an {label}: toggles of the synthesised netlist, counted in its simulation, times published "
            "figures of 7-series cells. Glitches and placement are unknown to it, and no board was measured. Each "
            "value stands with the range that its figures leave open.")
    text = (f"An action takes {_range(found['energy_nj'])} nJ, bridge included: {_range(found['dynamic_nj'])} nJ "
            f"switch and {_range(found['static_nj'])} nJ leak in {figures.count(found['cycles'], 'cycles')} at "
            f"{figures.count(found['clock_mhz'], 'MHz')}, the mean of {figures.count(found['actions'], 'actions')}. "
            f"While it waits, the design takes {_range(found['idle_mw'])} mW.")
    kinds = [[KINDS[kind], figures.count(round(each["count"])), *_bounds(each["nj"])]
             for kind, each in found["kinds"].items() if each["count"]]
    parts = [[part.capitalize(), *_bounds(energy)] for part, energy in found["parts"].items()]
    return join([tag("p", note, class_="note"), tag("p", text),
                 table(f"Energy of an action by kind of cell ({label})", ["Kind", "Counted", *columns], "lrrrr", kinds),
                 table(f"Energy of an action by part, without leakage ({label})", ["Part", *columns], "lrrr", parts)])


def _range(values: dict[str, float]) -> str:
    low, nominal, high = _bounds(values)
    return f"{nominal} ({low} to {high})"


def _bounds(values: dict[str, float]) -> list[str]:
    return [figures.significant(values[bound]) for bound in ("low", "nominal", "high")]
