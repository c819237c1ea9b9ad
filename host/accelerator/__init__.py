"""A built accelerator as the host sees it: its description, streams, registers, and the steps in C."""
