"""Stable-Baselines3's algorithms and policies with quantised actors."""
