"""Train quantised policies with Stable-Baselines3 and Brevitas, and turn them into policy packages."""
