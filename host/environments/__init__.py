"""Environments by name, and the seeds of their episodes."""
