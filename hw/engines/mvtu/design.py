"""What of a matrix-vector-threshold unit follows from a layer's shape and folding alone: form, registers, cycles."""
from __future__ import annotations

import dataclasses

from quarl.host.errors import UserError

TIMINGS, PRODUCTS, WEIGHT_ROMS = ("small", "balanced", "fast-clock"), ("lut", "dsp"), ("lut", "block")
# Rows added in a chain before the tree, and adders between two registers.
_CHAIN = {"small": 4, "balanced": 2, "fast-clock": 2}
_ADDERS = {"small": 5, "balanced": 3, "fast-clock": 2}
_LARGE = 512               # products a step: the way to them is so long that nothing but the chains may follow it
_GROUP = 4                 # channels that `balanced` steers by copies of their own
_MOST_TABLE_STEPS = 8      # with more weight words a table would need too many address bits
PARALLEL = 4               # bits of a code that are decided at once; the rest by binary search


@dataclasses.dataclass(frozen=True)
class Style:
    """How a unit is made: for few LUTs or a fast clock, and where its products and weights are.

    Raises :class:`UserError` for a style that does not exist.
    """

    timing: str = "small"
    products: str = "lut"
    weight_rom: str = "lut"

    def __post_init__(self) -> None:
        for name, value, known in (("timing", self.timing, TIMINGS), ("products", self.products, PRODUCTS),
                                   ("weight ROM", self.weight_rom, WEIGHT_ROMS)):
            if value not in known:
                raise UserError(f"the unit's {name} must be one of {', '.join(known)}", value, "choose one of them")
        if self.weight_rom == "block" and self.timing != "fast-clock":
            raise UserError("weights in block RAM need the register of timing fast-clock", self.timing,
                            "choose timing fast-clock, or weights in LUTs")


SMALL = Style()


@dataclasses.dataclass(frozen=True)
class Design:
    """A unit without its numbers.

    ``inputs`` by ``outputs`` weights; ``out_bits`` of a code, or of an accumulator if the layer is not
    ``thresholded``; ``in_lanes`` codes an input beat. Raises :class:`UserError` for values that the unit cannot have.
    """

    inputs: int
    outputs: int
    pe: int
    simd: int
    weight_bits: int
    input_bits: int
    out_bits: int
    thresholded: bool
    in_lanes: int
    style: Style = SMALL

    def __post_init__(self) -> None:
        if self.outputs % self.pe or self.inputs % self.simd:
            raise UserError(f"PE must divide {self.outputs} outputs and SIMD {self.inputs} inputs",
                            f"PE {self.pe}, SIMD {self.simd}", "choose divisors")
        if not takes(self.inputs, self.simd, self.in_lanes):
            raise UserError(f"an input beat must divide or be a multiple of SIMD {self.simd}, and divide {self.inputs}",
                            f"{self.in_lanes} codes", "put a width converter in front")

    @property
    def beats(self) -> int:
        """Steps of a pass (FINN's SF)."""
        return self.inputs // self.simd

    @property
    def passes(self) -> int:
        """Passes of a vector (FINN's NF)."""
        return self.outputs // self.pe

    @property
    def cycles(self) -> int:
        """Clock cycles between two vectors: the initiation interval."""
        return self.beats * self.passes

    @property
    def buffered(self) -> bool:
        """Whether a replay buffer is in front, which takes one cycle from an input beat to its step."""
        return self.in_lanes != self.simd or (self.beats > 1 and self.passes > 1)

    @property
    def form(self) -> str:
        """How products are made: ``tables``, ``digits`` or ``dsp`` (see hw/engines/mvtu/rtl/mvtu.sv)."""
        if self.style.products == "dsp":
            return "dsp"
        return "tables" if self.cycles <= _MOST_TABLE_STEPS else "digits"

    @property
    def rows(self) -> int:
        """Partial products that a dot product adds in a step."""
        if self.form == "tables":
            return -(-self.simd * self.input_bits // (5 - (self.cycles - 1).bit_length()))
        return self.simd * ((self.weight_bits + 1) // 2 if self.form == "digits" else 1)

    @property
    def chain(self) -> int:
        """Rows that are added one after the other before the tree of adders."""
        return _CHAIN[self.style.timing]

    @property
    def group(self) -> int:
        """Channels that share the registers which steer them."""
        return min(_GROUP, self.pe) if self.style.timing == "balanced" else self.pe

    @property
    def queue_register(self) -> bool:
        """Whether the output is a register, and not the memory of the queue."""
        return self.style.timing == "balanced"

    @property
    def operand_register(self) -> bool:
        """Whether a register follows the weight ROM and the replay buffer."""
        return self.style.timing == "fast-clock"

    @property
    def sum_registers(self) -> int:
        """Levels of the sum with a register behind them, as a mask: so that few adders follow one another without.

        The adders are spread evenly over as few stages as that takes. Those of the chains have a stage of their own,
        but for ``balanced`` units that have short wires.
        """
        accumulates = self.beats > 1 or (self.passes > 1 and self.thresholded)
        tree = (-(-self.rows // self.chain) - 1).bit_length() + accumulates
        most = _ADDERS[self.style.timing]
        if self.style.timing != "balanced" or self.pe * self.simd >= _LARGE:
            return 1 | _spread(tree, -(-tree // most))
        adders = self.chain - 1 + tree
        return _spread(adders, max(2, -(-adders // most))) >> self.chain - 1

    @property
    def total_register(self) -> bool:
        """Whether the accumulator is a register: where it accumulates, or thresholds follow."""
        return self.beats > 1 or self.thresholded

    @property
    def threshold_register(self) -> bool:
        """Whether a register follows the comparisons."""
        return self.style.timing == "fast-clock"

    @property
    def depth(self) -> int:
        """Cycles from the last step of a pass to its output beat."""
        stages = 0
        if self.thresholded:
            stages = self.threshold_register + -(-max(self.out_bits - PARALLEL, 0) // 2)
        return 1 + self.operand_register + self.sum_registers.bit_count() + self.total_register + stages

    @property
    def queue(self) -> int:
        """Depth of the output queue, a power of two: room for what is under way, and for what its reader still holds.

        A reader with one step a pass leaves its input beat in this queue until its last pass.
        """
        return 1 << (1 + -(-self.depth // self.beats)).bit_length()


def _spread(adders: int, stages: int) -> int:
    """A mask: bit n says that a register follows the n-th of ``adders`` in series, which makes ``stages`` of them."""
    return sum(1 << -(-adders * stage // stages) for stage in range(1, stages))


def takes(inputs: int, simd: int, lanes: int) -> bool:
    """Whether the unit takes input beats of ``lanes`` codes without a width converter in front."""
    return inputs % lanes == 0 and (simd % lanes == 0 or lanes % simd == 0)
