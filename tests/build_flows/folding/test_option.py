import pytest

from quarl.build_flows.folding.option import check_fold
from quarl.host.errors import UserError


@pytest.mark.parametrize(("fold", "text"), [("min-area", "min-area"), ("100", "100"), (64, "64")])
def test_names_and_cycles_are_foldings(fold, text):
    assert check_fold("--fold", fold) == text


@pytest.mark.parametrize("fold", ["fast", "0", 0, "-4", "1.5", "", True, None])
def test_anything_else_is_refused(fold):
    with pytest.raises(UserError) as error:
        check_fold("folding", fold)
    assert str(error.value) == (f"folding must be min-area, balanced, min-latency or the cycles that an action may "
                                f"take, found {fold}. Fix: choose one of them, or pass for example 100.")
