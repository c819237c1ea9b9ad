"""A run's policy on a device, and the package for the board."""
