"""Estimates of a built design: its clock and its energy."""
