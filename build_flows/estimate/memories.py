"""How Yosys makes memories of a Zynq-7000: of look-up tables, or of block RAM where its costs say so.

The costs are those of its ``memory_libmap`` for Xilinx: 8 for four look-up tables as RAM, 129 for a block RAM of
18 kbit, and a 64th for a bit of a ROM in logic; that of choosing among banks, and the depth from which a memory is
block RAM, are as measured.
"""
from __future__ import annotations

import numpy as np

_BLOCKS = ((9, 36), (10, 18), (11, 9), (12, 4), (13, 2), (14, 1))       # address bits, width
_BLOCK_COST, _RAM_COST, _BITS_A_COST, _BANK_COST, _DEEPEST = 129, 8, 64, 0.75, 512
# By address bits, how many bits of a word four look-up tables hold, and how many come together: with one port, and with
# one to write and one to read.
_ONE_PORT, _TWO_PORTS = {5: (8, 8), 6: (4, 4), 7: (2, 1), 8: (1, 1)}, {5: (6, 6), 6: (3, 3)}


def writable(depth: int, bits: int) -> tuple[int, int, float]:
    """Of a memory that is read where it is written: look-up tables as RAM, those that choose among its banks, and BRAMs
    of 36 kbit."""
    return _chosen(depth, bits, _ONE_PORT)


def two_ports(depth: int, bits: int) -> tuple[int, int, float]:
    """The same of a memory with a port to write and one to read."""
    return _chosen(depth, bits, _TWO_PORTS)


def constant(depth: int, bits: int, copies: int, words: np.ndarray | None = None) -> tuple[float, int, float]:
    """Look-up tables, flip-flops of its output and BRAMs of 36 kbit of so many ROMs beside one another.

    ``words`` bool [depth, copies * bits] tell what of them is constant or there twice.
    """
    if depth * bits / _BITS_A_COST > _BLOCK_COST * 2 * blocks(depth, bits):
        return 0, 0, copies * blocks(depth, bits)
    bits *= copies
    if words is not None:
        columns = np.unique(words, axis=1)
        bits = int(np.count_nonzero(columns.any(axis=0) & ~columns.all(axis=0)))
    if depth == 1:
        return 0, 0, 0
    words_of_64 = -(-depth // 64)
    return bits * (words_of_64 + -(-(words_of_64 - 1) // 3)), bits, 0       # and multiplexers of four among them


def _chosen(depth: int, bits: int, kinds: dict[int, tuple[int, int]]) -> tuple[int, int, float]:
    costs = {address: bits * (_RAM_COST * banks / width + _BANK_COST * (banks - 1))
             for address, (width, _) in kinds.items() for banks in [-(-depth // (1 << address))]}
    best = min(costs, key=lambda address: costs[address])
    if depth > _DEEPEST or costs[best] > _BLOCK_COST * 2 * blocks(depth, bits):
        return 0, 0, blocks(depth, bits)
    banks, (width, step) = -(-depth // (1 << best)), kinds[best]
    return 4 * banks * -(-bits // step) * step // width, bits * multiplexer(banks), 0


def blocks(depth: int, bits: int) -> float:
    """BRAMs of 36 kbit, half ones in their best aspect ratio."""
    return 0.5 * min(-(-depth // (1 << address)) * -(-bits // width) for address, width in _BLOCKS)


def multiplexer(ways: int) -> int:
    """Look-up tables a bit that choose among so many; up to 16 ways, the slice joins them for nothing."""
    return 0 if ways == 1 else -(-ways // 4)
