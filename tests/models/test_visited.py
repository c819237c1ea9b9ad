import numpy as np
import torch

from models.runs import load_run
from models.visited import visited_observations


def test_shape_and_seed(tiny_run):
    run = load_run(tiny_run)
    observations = visited_observations(run, 200, 1)
    assert observations.shape == (200, 4) and observations.dtype == np.float32
    np.testing.assert_array_equal(observations, visited_observations(tiny_run, 200, 1))
    assert not np.array_equal(observations, visited_observations(run, 200, 2))


def test_random_ones_reach_further(tiny_run):
    run = load_run(tiny_run)
    normalised = run.normaliser.normalize_obs(visited_observations(run, 2000, 0))
    codes = run.actor.encode(torch.from_numpy(normalised)).numpy()
    visited, drawn = codes[:1500], codes[1500:]
    assert np.abs(drawn).mean() > 2 * np.abs(visited).mean()
    assert (drawn.min(axis=0) == -32).all() and (drawn.max(axis=0) == 31).all()
    assert len(np.unique(visited, axis=0)) > 500


def test_few(tiny_run):
    assert [len(visited_observations(tiny_run, n)) for n in (1, 2, 3)] == [1, 2, 3]
