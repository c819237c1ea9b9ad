"""Low-bit reinforcement-learning policies, trained, proved bit for bit down to RTL, and run on FPGAs."""
