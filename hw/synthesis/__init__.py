"""Yosys' netlists: cells counted, and simulated."""
