import dataclasses

import pytest

from quarl.host.errors import UserError
from quarl.models.actors.bits import Bits, check_bits


@pytest.mark.parametrize("value", range(2, 9))
def test_accepts_two_to_eight(value):
    assert check_bits("weight", value) == value


@pytest.mark.parametrize("value", [1, 9, 0, -4, 4.0, True, None, "4"])
def test_rejects_the_rest(value):
    with pytest.raises(UserError) as error:
        check_bits("act", value)
    assert str(error.value) == (f"act bits must be a whole number from 2 to 8, found {value}. "
                                "Fix: choose --act-bits between 2 and 8.")


@pytest.mark.parametrize(("kind", "values"), [("weight", (1, 4, 8)), ("act", (4, 9, 8)), ("input", (4, 4, 16))])
def test_each_width_is_checked(kind, values):
    with pytest.raises(UserError, match=f"^{kind} bits must be a whole number from 2 to 8, found "):
        Bits(*values)


def test_input_defaults_to_eight_and_text():
    assert Bits(4, 3).input == 8
    assert str(Bits(4, 3)) == "W4A3I8"


def test_parts_of_a_network_may_have_widths_of_their_own():
    bits = Bits([8, 3, 6], (5, 2), 4)
    assert (bits.weight, bits.act, str(bits)) == ((8, 3, 6), (5, 2), "W8-3-6A5-2I4")
    assert (bits.weights(2), bits.acts(2)) == ((8, 6), (5,))
    assert (bits.weights(4), bits.acts(4)) == ((8, 3, 3, 6), (5, 2, 2))
    assert bits.describe() == {"weight": [8, 3, 6], "act": [5, 2], "input": 4, "per_channel": False}
    assert Bits(**bits.describe()) == bits and not bits.uniform
    same = Bits((4, 4, 4), (4, 4))
    assert same == Bits(4, 4) and same.uniform and same.describe()["weight"] == 4
    assert (same.weights(3), same.acts(3)) == ((4, 4, 4), (4, 4))


@pytest.mark.parametrize(("widths", "message"), [
    (((8, 4), 4), r"weight bits must be one width, or 3: of the first layer and those between and the last, found "
                  r"\[8, 4\]. Fix: write for example 4, 4, 4."),
    ((4, (8, 4, 4)), r"act bits must be one width, or 2: of the first layer and those between, found \[8, 4, 4\]"),
    (((8, 9, 8), 4), "weight bits must be a whole number from 2 to 8, found 9"),
])
def test_widths_of_parts_are_checked(widths, message):
    with pytest.raises(UserError, match=message):
        Bits(*widths)


def test_one_scale_per_channel_has_a_letter_and_a_check():
    assert not Bits(4, 4).per_channel
    assert str(Bits(4, 4, 8, per_channel=True)) == "W4A4I8c"
    for value in (1, None, "true"):
        with pytest.raises(UserError, match=rf"^per_channel must be true .* or false .*, found {value}\. Fix: write "):
            Bits(4, 4, 8, value)


def test_a_config_without_the_key_has_one_scale_per_layer():
    assert Bits(**{"weight": 4, "act": 3, "input": 8}) == Bits(4, 3)
    assert dataclasses.asdict(Bits(4, 3)) == {"weight": 4, "act": 3, "input": 8, "per_channel": False}
