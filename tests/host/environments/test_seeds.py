"""The seeds of episodes: different for different purposes, and the first ones of many are those of few."""
import pytest

from quarl.host.environments.seeds import EVALUATION, episode_seeds


def test_fresh_episodes():
    purposes = [(EVALUATION, 0), (EVALUATION, 1), ("visited", 0), ("training 8192", 0)]
    seeds = [each for purpose in purposes for each in episode_seeds(*purpose, 1000)]
    assert len(set(seeds)) == len(seeds) and all(type(each) is int and each >= 0 for each in seeds)


@pytest.mark.parametrize("count", [0, 1, 9])
def test_more_episodes_begin_with_the_same(count):
    assert episode_seeds(EVALUATION, 3, 10)[:count] == episode_seeds(EVALUATION, 3, count)
