"""Training into a run folder."""
