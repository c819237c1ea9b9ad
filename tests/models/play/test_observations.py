import numpy as np
import torch

from quarl.models.play.observations import visited_observations
from quarl.models.runs.run_folder import load_run


def test_shape_and_seed(tiny_run):
    run = load_run(tiny_run)
    observations = visited_observations(run, 200, 1)
    assert observations.shape == (200, 4) and observations.dtype == np.float32
    np.testing.assert_array_equal(observations, visited_observations(tiny_run, 200, 1))
    assert not np.array_equal(observations, visited_observations(run, 200, 2))


def test_three_quarters_are_visited_and_the_rest_reach_every_saturated_code(tiny_run):
    run = load_run(tiny_run)
    observations = visited_observations(run, 2000, 0)
    visited, drawn = observations[:1500], observations[1500:]
    assert (np.abs(visited[:, 2]) < 0.2095).all()           # CartPole ends an episode at this angle
    assert not (np.abs(drawn[:, 2]) < 0.2095).all()
    assert len(np.unique(visited, axis=0)) == 1500
    codes = run.actor.encode(torch.from_numpy(run.normaliser.normalize_obs(drawn))).numpy()
    assert (codes.min(axis=0) == -32).all() and (codes.max(axis=0) == 31).all()


def test_few(tiny_run):
    assert [len(visited_observations(tiny_run, n)) for n in (1, 2, 3)] == [1, 2, 3]
