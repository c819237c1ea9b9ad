import pytest

from quarl.host.errors import MismatchError, ToolError, UserError


@pytest.mark.parametrize("kind, base", [(UserError, ValueError), (ToolError, RuntimeError),
                                        (MismatchError, RuntimeError)])
def test_states_rule_value_and_fix(kind, base):
    error = kind("bits must be 2 to 8", 9, "pass --bits 8")
    assert isinstance(error, base)
    assert str(error) == "bits must be 2 to 8, found 9. Fix: pass --bits 8."
    assert (error.rule, error.found, error.fix) == ("bits must be 2 to 8", "9", "pass --bits 8")


def test_full_stops_are_not_doubled():
    assert str(UserError("a rule.", "x", "a fix.")) == "a rule, found x. Fix: a fix."
