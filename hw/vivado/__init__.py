"""Vivado as a well-behaved tool: found, checked, followed, stopped, and its results never taken on trust."""
