"""Which folding: the options, and the choice."""
