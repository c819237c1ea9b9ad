"""What ``quarl build`` tells of an accelerator and of its estimates, as tables."""
from __future__ import annotations

from typing import Any


def show(result: dict[str, Any]) -> None:
    """Parity, timing and resources as tables."""
    from quarl.build_flows.console import say, table
    from quarl.hw import boards

    parity, timing, synth = result["parity"], result["timing"], result["synth"]
    table("Parity on %d observations" % parity["observations"], ("pair", "values", "mismatches"),
          [(name, f"{pair['values']:,}", pair["mismatches"]) for name, pair in parity["pairs"].items()])
    if netlist := result["netlist"]:
        say("synthesised netlist = integer: %d values of %d inferences, %d mismatches; latency %d cycles"
            % (netlist["values"], netlist["observations"], netlist["mismatches"], netlist["latency_cycles"]))
    say("latency %d cycles behind the bridge (predicted %d), interval %g: %.2f us and %.0f actions/s at %g MHz"
        % (timing["latency_cycles"], timing["predicted_latency_cycles"], timing["interval_cycles"],
           timing["latency_cycles"] / timing["clock_mhz"], 1e6 * timing["clock_mhz"] / timing["interval_cycles"],
           timing["clock_mhz"]))
    if synth is not None:
        kinds = ("lut", "lut_logic", "lut_memory", "ff", "carry4", "dsp", "bram36")
        rows = [(name, *(f"{counts[k]:g}" for k in kinds)) for name, counts in synth["groups"].items()]
        rows.append(("whole", *(f"{synth['total'][k]:g}" for k in kinds)))
        rows.append(("% of " + synth["board"]["name"],
                     *(f"{synth['percent'][k]:.1f}" if k in synth["percent"] else "" for k in kinds)))
        family = boards.board(synth["board"]["name"]).family
        table(f"Resources (Yosys, {family})", ("", *(k.upper().replace("_", " ") for k in kinds)), rows)


def show_fmax(found: dict[str, Any]) -> None:
    """The clock's estimate, and the path that limits it."""
    from quarl.build_flows.characterise.clock import told
    from quarl.build_flows.console import say, table

    table("Path that limits the clock (%s)" % found["label"], ("", "logic levels", "logic, ns", "routing, ns"),
          [(told(step), step["levels"], step["logic_ns"], step["routing_ns"]) for step in found["path"]])
    say("clock %g MHz: %s, bridge included; it is no figure of the board's chip" % (found["mhz"], found["label"]))


def show_energy(found: dict[str, Any]) -> None:
    """The estimate of the energy, with its range, and what it is made of."""
    from quarl.build_flows.console import say, table

    def bounds(energy: dict[str, float]) -> tuple[str, ...]:
        return tuple(f"{energy[bound]:.3g}" for bound in ("low", "nominal", "high"))

    rows = [(kind, f"{each['count']:,.0f}", *bounds(each["nj"])) for kind, each in found["kinds"].items()
            if each["count"]]
    rows.append(("leakage", "", *bounds(found["static_nj"])))
    table("Energy of an action, nJ (%s)" % found["label"], ("", "counted", "low", "nominal", "high"), rows)
    low, nominal, high = bounds(found["energy_nj"])
    say("energy %s nJ an action (%s to %s; %s), bridge included, over %g cycles at %g MHz; waiting takes %s mW "
        "(%s to %s)" % (nominal, low, high, found["label"], found["cycles"], found["clock_mhz"],
                        *(bounds(found["idle_mw"])[index] for index in (1, 0, 2))))
