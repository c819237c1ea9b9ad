"""Toggles of a netlist, and what they cost."""
