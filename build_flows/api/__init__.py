"""The functions of ``import quarl``: what the commands do, with Python's values in and out, and quiet unless asked."""
