"""The search for the smallest policy at reward parity: Optuna proposes, estimates rule out, studies' points tell."""
