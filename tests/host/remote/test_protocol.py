"""What the server answers, frame by frame, without a network."""
import dataclasses

import numpy as np
import pytest

from quarl.host.errors import ToolError, UserError
from quarl.host.policy.integer import accumulators
from quarl.host.remote import wire
from quarl.host.remote.protocol import Desk
from tests.host.policy.pixels import pixel_policy, random_pixels
from tests.host.remote.helpers import POLICY, CountingDevice, codes

OURS = wire.Identity.of(POLICY)


class Client:
    """One end of a conversation with a desk, at one address."""

    def __init__(self, desk, session=1, peer=b"peer", name="ann"):
        self.desk, self.session, self.peer, self.name = desk, session, peer, name

    def raw(self, data):
        return self.desk.answer(self.peer, data, lambda: self.name)

    def send(self, kind, sequence, payload=b""):
        answer = self.raw(wire.pack(kind, self.session, sequence, payload))
        return None if answer is None else wire.unpack(answer)

    def hello(self, identity=OURS):
        return self.send(wire.HELLO, 1, identity.pack())

    def refusal(self, answer):
        assert answer.kind == wire.ERROR
        return wire.unpack_error(answer.payload)


@pytest.fixture
def device():
    with CountingDevice() as opened:
        yield opened


@pytest.fixture
def said():
    return []


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def desk(device, said, now):
    return Desk(POLICY, device, 5.0, said.append, lambda: now[0])


@pytest.fixture
def client(desk):
    client = Client(desk)
    assert client.hello().kind == wire.WELCOME
    return client


def test_a_step(client, desk, device):
    row = codes(1)[0]
    answer = client.send(wire.STEP, 2, row.tobytes())
    device_ns, cycles, found = wire.unpack_results(answer.payload, 1, 3)
    assert (answer.kind, answer.session, answer.sequence) == (wire.RESULT, 1, 2) and device_ns > 0
    assert cycles == [7] and found.tolist() == accumulators(POLICY, row[None]).tolist()


def test_a_batch(client, device):
    rows = codes(5)
    answer = client.send(wire.STEP, 2, rows.tobytes())
    assert np.array_equal(wire.unpack_results(answer.payload, 5, 3)[2], accumulators(POLICY, rows))
    assert device.seen == [row.tobytes() for row in rows]


def test_a_repeated_request_is_answered_again_and_not_done_again(client, desk, device):
    frame = wire.pack(wire.STEP, 1, 2, codes(1).tobytes())
    first = client.raw(frame)
    client.peer = b"after a reconnect"
    assert [client.raw(frame) for _ in range(3)] == [first] * 3
    assert len(device.seen) == 1 and desk.counters["repeated"] == 3 and desk.counters["inferences"] == 1


def test_an_outdated_request_is_not_answered(client, desk, device):
    for sequence in (2, 9):
        client.send(wire.STEP, sequence, codes(1).tobytes())
    assert client.send(wire.STEP, 8, codes(1, 5).tobytes()) is None and client.send(wire.BYE, 3) is None
    assert len(device.seen) == 2 and desk.counters["outdated"] == 2
    assert client.send(wire.STEP, 9, codes(1).tobytes()).kind == wire.RESULT and len(device.seen) == 2


def test_a_request_before_any_other_has_no_answer_to_repeat(client):
    assert client.send(wire.STEP, 0, codes(1).tobytes()) is None


@pytest.mark.parametrize("error", [ToolError("it must work", "smoke", "call for help"), UserError("a", "b", "c")])
def test_an_error_of_the_device_is_the_answer_once(client, device, error):
    device.error = error
    answer = client.send(wire.STEP, 2, codes(1).tobytes())
    _, found = client.refusal(answer)
    assert type(found) is type(error) and str(found) == str(error)
    assert client.send(wire.STEP, 2, codes(1).tobytes()) == answer and len(device.seen) == 1
    device.error = None
    assert client.send(wire.STEP, 3, codes(1).tobytes()).kind == wire.RESULT


def test_a_fault_of_the_device_is_an_answer_too(client, device):
    device.error = KeyError("lost")
    _, found = client.refusal(client.send(wire.STEP, 2, codes(1).tobytes()))
    assert str(found) == "the served device must do its part, found KeyError: 'lost'. Fix: report this device's fault."


def test_a_session_begins_with_a_reset_of_the_device(client, desk, device, said):
    assert device.resets == 1
    client.hello()
    assert device.resets == 1 and desk.counters["sessions"] == 1 and said == ["ann has the device"]
    assert client.send(wire.RESET, 2).kind == wire.DONE and device.resets == 2


def test_a_device_that_cannot_be_reset_is_given_to_nobody(desk, device):
    def fail():
        raise ToolError("it must reset", "stuck", "power it off")
    device.reset, good = fail, device.reset
    client = Client(desk)
    assert str(client.refusal(client.hello())[1]) == "it must reset, found stuck. Fix: power it off."
    device.reset = good
    assert Client(desk, 2).hello().kind == wire.WELCOME


def test_statistics(client, device):
    device.stats = lambda: {"inferences": np.uint32(3)}
    assert wire.unpack_fields(client.send(wire.STATS, 2).payload) == {"inferences": 3}


def test_another_waits_for_the_lease(client, desk, device, now, said):
    other = Client(desk, 2, b"other", "bob")
    code, found = other.refusal(other.hello())
    assert (code, str(found)) == (wire.FAULT_OF_TOOL, (
        "the device must be free, found busy, held by ann for 0 s. "
        "Fix: wait until that run ends; after 5 s of silence it loses the device."))
    assert other.refusal(other.send(wire.STEP, 2, codes(1).tobytes()))[0] == wire.NO_SESSION and not device.seen
    now[0] = 5.1
    assert other.hello().kind == wire.WELCOME and device.resets == 2
    assert client.refusal(client.send(wire.STEP, 2, codes(1).tobytes()))[0] == wire.NO_SESSION
    assert desk.counters["refused"] == 1 and said == ["ann has the device", "bob has the device"]


def test_a_request_is_done_once_even_across_a_lost_lease(client, desk, device, now):
    frame = wire.pack(wire.STEP, 1, 2, codes(1).tobytes())
    first = client.raw(frame)
    now[0] = 6
    other = Client(desk, 2)
    other.hello()
    other.send(wire.BYE, 2)
    client.hello()
    assert client.raw(frame) == first and len(device.seen) == 1


def test_who_leaves_frees_the_device(client, desk, said):
    assert client.send(wire.BYE, 2).kind == wire.DONE
    assert Client(desk, 2, b"other", "bob").hello().kind == wire.WELCOME
    assert said == ["ann has the device", "ann has left", "bob has the device"]


def test_without_an_owner_there_is_nobody_to_tell(client, desk):
    client.send(wire.BYE, 2)
    assert desk.farewell() is None


def test_the_owner_is_told_the_end(client, desk):
    client.peer = b"new address"
    client.send(wire.STEP, 2, codes(1).tobytes())
    peer, frame = desk.farewell()
    assert peer == b"new address" and wire.unpack(frame)[:3] == (wire.ENDING, 1, 2)


def test_after_that_only_answers_are_repeated(client, desk, device):
    frame = wire.pack(wire.STEP, 1, 2, codes(1).tobytes())
    answer = client.raw(frame)
    desk.farewell()
    assert client.raw(frame) == answer
    assert client.send(wire.STEP, 3, codes(1).tobytes()) is None and client.hello() is None
    assert len(device.seen) == 1


@pytest.mark.parametrize(("change", "message"), [
    ({"features": 5}, "the policy must have the geometry of the one that is served, 4 codes in, 3 accumulators out, "
                      "found 5 codes in, 3 accumulators out."),
    ({"outputs": 1}, "the policy must have the geometry of the one that is served, 4 codes in, 3 accumulators out, "
                     "found 4 codes in, 1 accumulators out."),
    ({"policy_hash": "ab" * 32}, f"the policy must be the one that is served, hash {OURS.policy_hash[:12]}…, "
                                 "found abababababab."),
    ({"build_id": 5}, f"the build id must be that of the server, 0x{OURS.build_id:08x}, found 0x00000005.")])
def test_another_policy_is_refused(desk, device, change, message):
    client = Client(desk)
    code, found = client.refusal(client.hello(dataclasses.replace(OURS, **change)))
    assert code == wire.FAULT_OF_USER and isinstance(found, UserError)
    assert str(found) == message + " Fix: run the policy that is served, or serve the one that is run."
    assert device.resets == 0 and Client(desk, 2).hello().kind == wire.WELCOME


@pytest.mark.parametrize(("data", "found"), [
    (b"junk", "a frame of 4 bytes, shorter than its header"),
    (wire.pack(wire.HELLO, 1, 5, b"xx"), "a HELLO of 2 bytes, not 44"),
    (wire.pack(wire.STEP, 1, 5, b"xx"), "2 input codes, not 4 for each of 1 to 4096 steps"),
    (wire.pack(wire.STEP, 1, 5), "0 input codes, not 4 for each of 1 to 4096 steps"),
    (wire.pack(wire.STEP, 1, 5, bytes(4 * 4097)), "16388 input codes, not 4 for each of 1 to 4096 steps"),
    (wire.pack(wire.RESULT, 1, 5), "a frame of kind 7 from a client")])
def test_malformed_frames(client, desk, device, data, found):
    answer = wire.unpack(client.raw(data))
    assert (answer.session, answer.sequence) == (0, 0) and not device.seen and desk.counters["malformed"] == 1
    assert str(client.refusal(answer)[1]) == (f"a frame must be one of quarl's protocol, found {found}. "
                                              "Fix: use the same version of quarl on both sides.")
    assert client.send(wire.STEP, 5, codes(1).tobytes()).kind == wire.RESULT


def test_a_flood_of_bad_frames_is_no_flood_of_answers_and_does_not_touch_the_owner(client, desk):
    flooder = Client(desk, 2, b"flooder")
    answers = [flooder.raw(b"x" * n) for n in range(500)] + [flooder.send(wire.STEP, n) for n in range(500)]
    assert sum(answer is not None for answer in answers) == 5
    assert client.send(wire.STEP, 2, codes(1).tobytes()).kind == wire.RESULT


def test_pixels_are_unsigned():
    policy = pixel_policy()
    frames = random_pixels(policy, 3, seed=0)
    with CountingDevice(policy) as device:
        client = Client(Desk(policy, device, 5.0, str))
        client.hello(wire.Identity.of(policy))
        answer = client.send(wire.STEP, 2, frames.tobytes())
    assert np.array_equal(wire.unpack_results(answer.payload, 3, policy.action.size)[2],
                          accumulators(policy, frames))
