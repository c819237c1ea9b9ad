"""From a trained actor to the integer program and its package."""
