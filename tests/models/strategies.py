"""Hypothesis strategies for policies."""
from hypothesis import strategies as st

from quarl.models.actors.bits import Bits

bits = st.integers(2, 8)
all_bits = st.builds(Bits, bits, bits, bits, st.booleans())
dims = st.lists(st.integers(1, 33), min_size=2, max_size=4)
seeds = st.integers(0, 2 ** 31 - 1)
