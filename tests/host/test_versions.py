"""Versions of packages, and of what is none."""
import numpy as np

from quarl.host.versions import NONE, version, versions


def test_versions_of_packages_that_are_there_and_of_one_that_is_not():
    assert version("numpy") == np.__version__
    assert versions(("numpy", "no-such")) == {"numpy": np.__version__, "no-such": NONE}, "in the order of the names"
    assert list(versions(("no-such", "numpy"))) == ["no-such", "numpy"]
