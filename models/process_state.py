"""What training must change in the whole process, given back afterwards: threads, and the random numbers' states."""
from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch


@contextlib.contextmanager
def process_state_kept(threads: int | None = None) -> Iterator[None]:
    """Whatever happens inside, the process draws the random numbers after it that it would have drawn without it.

    Stable-Baselines3 seeds Python, numpy and torch as it makes a model. Inside, torch computes with as many
    ``threads`` as given. Not for several threads of a process at once: what it keeps is theirs together.
    """
    count, cudnn = torch.get_num_threads(), torch.backends.cudnn
    python, numpy, cpu, seed = random.getstate(), np.random.get_state(), torch.get_rng_state(), torch.initial_seed()
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    deterministic, benchmark = cudnn.deterministic, cudnn.benchmark
    try:
        if threads is not None:
            torch.set_num_threads(threads)
        yield
    finally:
        torch.set_num_threads(count)
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(cpu)
        cudnn.deterministic, cudnn.benchmark = deterministic, benchmark
        if gpus is not None:
            torch.cuda.set_rng_state_all(gpus)
        else:                           # they had no state yet, only the seed that they share with the CPU
            torch.cuda.manual_seed_all(seed)
