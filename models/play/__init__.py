"""Episodes of trained policies: rollouts, evaluation, observations."""
