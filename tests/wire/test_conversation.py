import json
import time

import pytest

from danas_hil.wire import (
    CHUNK_BYTES,
    Conversation,
    DeviceError,
    DeviceResetError,
    Frame,
    ProtocolError,
    encode,
)
from danas_hil.wire.conversation import WINDOW_LINES
from devices.simulated import Line, SimulatedDevice, noisy


def talk(line: Line, **options) -> Conversation:
    return Conversation(line, patience=0.05, settle=0.0, **options)


def invoke(conversation: Conversation, data: bytes, seconds: float = 10) -> bytes:
    conversation.upload(data, seconds)
    reply = conversation.ask("invoke", seconds)
    return conversation.download(reply["bytes"], reply["crc"], seconds)


def expected(data: bytes, run: int) -> bytes:
    return bytes((byte + run) % 256 for byte in data)


def test_hello_tells_about_the_device_and_data_goes_both_ways():
    device = SimulatedDevice()
    conversation = talk(Line(device.feed))
    assert conversation.hello(1)["text"] == "x" * 150
    data = bytes(range(100))
    assert invoke(conversation, data) == expected(data, 1)
    assert conversation.repeats == 0


def test_a_noisy_line_slows_down_and_never_lies():
    device = SimulatedDevice()
    conversation = talk(Line(device.feed, noisy(0.01, seed=1)))
    conversation.hello(10)
    for run in range(1, 41):
        data = bytes((run * 7 + place) % 256 for place in range(100))
        assert invoke(conversation, data) == expected(data, run)
    assert device.invocations == 40  # none ran twice, however often it was sent
    assert conversation.repeats > 40


def test_an_input_goes_out_in_windows_and_only_what_was_not_answered_goes_again():
    device = SimulatedDevice(size=CHUNK_BYTES * (2 * WINDOW_LINES + 3))
    puts: list[list[bytes]] = []

    def lose_the_fifth_reply_to_the_second(data):
        replies = device.feed(data).splitlines(keepends=True)
        if b" put " in data:
            puts.append([line for line in data.split(b"\n") if line])
            if len(puts) == 2:
                del replies[4]
        return b"".join(replies)

    conversation = talk(Line(lose_the_fifth_reply_to_the_second))
    conversation.hello(1)
    data = bytes(place % 251 for place in range(device.size))
    assert invoke(conversation, data) == expected(data, 1)
    assert [len(lines) for lines in puts] == [WINDOW_LINES, WINDOW_LINES, 1, 3]
    assert puts[2] == [puts[1][4]]
    assert conversation.repeats == 1


def test_a_reset_within_a_window_is_an_error_and_not_an_input():
    device = SimulatedDevice(size=CHUNK_BYTES * WINDOW_LINES)
    conversation = talk(Line(lambda data: b"".join(map(feed, data.split(b"\n")))))
    seen = []

    def feed(line: bytes) -> bytes:
        seen.append(line)
        if b" put " in line and sum(b" put " in one for one in seen) == 7:
            device.start()
        return device.feed(line + b"\n")

    conversation.hello(1)
    with pytest.raises(DeviceResetError):
        conversation.upload(bytes(device.size), 1)


def test_a_lost_reply_does_not_run_a_request_twice():
    device = SimulatedDevice()
    lost = []

    def lose_first_reply_to_invoke(data):
        replies = device.feed(data)
        if b" invoke " in data and not lost:
            lost.append(replies)
            return b""
        return replies

    conversation = talk(Line(lose_first_reply_to_invoke))
    conversation.hello(1)
    assert invoke(conversation, bytes(100)) == expected(bytes(100), 1)
    assert lost
    assert device.invocations == 1


def test_replies_that_come_twice_are_taken_once():
    device = SimulatedDevice()
    conversation = talk(Line(lambda data: device.feed(data) * 2))
    conversation.hello(1)
    for run in range(1, 4):
        assert invoke(conversation, bytes(100)) == expected(bytes(100), run)


def test_noise_and_old_replies_before_hello_do_no_harm():
    device = SimulatedDevice()
    old = b"".join(encode(Frame(seq, "OK", '{"board":"old"}')) for seq in range(1, 10_000))
    log = []
    line = Line(device.feed, noise=b"boot v1.2\r\n\xff\x00@@half a li" + old)
    assert talk(line, log=log.append).hello(5)["board"] == "simulated"
    assert log[0] == "boot v1.2"


def test_a_device_that_comes_late_is_greeted_when_it_comes():
    device = SimulatedDevice()
    there = time.monotonic() + 0.1
    line = Line(lambda data: device.feed(data) if time.monotonic() > there else b"")
    assert talk(line).hello(5)["board"] == "simulated"


def test_log_lines_are_kept_whole():
    device = SimulatedDevice()
    device.log_lines = 2
    log = []
    talk(Line(device.feed), log=log.append).hello(1)
    assert set(log) == {"a log line"}


def test_a_reset_in_the_middle_is_an_error_and_not_a_figure():
    device = SimulatedDevice()
    conversation = talk(Line(device.feed))
    conversation.hello(1)
    conversation.upload(bytes(100), 1)
    device.start()
    with pytest.raises(DeviceResetError, match="'invoke'"):
        conversation.ask("invoke", 1)
    assert conversation.hello(1)["board"] == "simulated"
    assert invoke(conversation, bytes(100)) == expected(bytes(100), 1)


@pytest.mark.parametrize("after", [b" more ", b" hello "])
def test_a_reset_while_it_tells_about_itself_makes_it_tell_again(after):
    device = SimulatedDevice()
    resets = []

    def reset_once(data):
        replies = device.feed(data)
        if after in data and not resets:
            resets.append(data)
            device.start()
        return replies

    assert talk(Line(reset_once)).hello(5)["board"] == "simulated"
    assert resets


def test_a_reset_while_output_is_read_is_an_error():
    device = SimulatedDevice()

    def reset_at_get(data):
        if b" get " in data:
            device.start()
        return device.feed(data)

    conversation = talk(Line(reset_at_get))
    conversation.hello(1)
    with pytest.raises(DeviceResetError):
        invoke(conversation, bytes(100))


@pytest.mark.parametrize(
    "answer",
    [b"", b"flood " * 1000 + b"\n", b"flood " * 1000, encode(Frame(0, "NAK")), b"@1 OK {} *0\n"],
    ids=["silence", "flood", "flood without ends", "nothing but NAK", "damaged"],
)
def test_a_device_that_never_answers_is_given_up_at_the_deadline(answer):
    started = time.monotonic()
    with pytest.raises(ProtocolError, match=r"No reply to 'hello' within 0\.3 s") as caught:
        talk(Line(lambda _data: answer)).hello(0.3)
    assert time.monotonic() - started < 1.5
    assert ("floods the line" in caught.value.what) == (b"flood" in answer)


@pytest.mark.parametrize("babble", [b"still here\n", b"no line ends ", b"@not a frame "])
def test_a_device_that_never_stops_talking_is_asked_again(babble):
    device = SimulatedDevice()
    asked = []

    def lose_the_first(data):
        asked.append(data)
        return b"" if len(asked) == 1 else device.feed(data)

    class Babbling(Line):
        def read(self, seconds):
            time.sleep(min(seconds, 0.005))
            return babble + super().read(seconds)

    assert talk(Babbling(lose_the_first)).hello(5)["board"] == "simulated"
    assert len(asked) > 1


def test_a_refusal_has_its_code():
    device = SimulatedDevice()
    conversation = talk(Line(device.feed))
    conversation.hello(1)
    with pytest.raises(DeviceError) as caught:
        conversation.ask("invoke", 1)
    assert caught.value.code == "input"


def test_another_version_of_the_protocol_is_refused():
    device = SimulatedDevice(about={"protocol": 99})
    with pytest.raises(ProtocolError, match="version 99"):
        talk(Line(device.feed)).hello(0.3)


@pytest.mark.parametrize(
    "answer", [("OK", "[]"), ("OK", "nonsense"), ("WHAT", "{}"), ("LONG", "x"), ("ERR", "1")]
)
def test_an_answer_that_makes_no_sense_is_an_error(answer):
    device = SimulatedDevice()

    def feed(data):
        for event in device.decoder.feed(data):
            return encode(Frame(event.seq, *answer))
        return b""

    with pytest.raises(ProtocolError, match="'invoke'"):
        talk(Line(feed)).ask("invoke", 0.2)


def test_a_wait_is_waited_for():
    device = SimulatedDevice()
    conversation = talk(Line(device.feed))
    conversation.hello(1)
    conversation.upload(bytes(100), 1)
    done_at = time.monotonic() + 0.3
    sent = []

    class Slow(Line):
        def read(self, seconds):
            if sent and not self.arrived:
                time.sleep(min(seconds, max(0.0, done_at - time.monotonic())))
                if time.monotonic() >= done_at:
                    return device.feed(sent[0])
            return super().read(seconds)

        def write(self, data):
            sent.append(data)
            seq = int(data.split()[0].lstrip(b"@"))
            self.arrived += encode(Frame(seq, "WAIT", "{}"))

    conversation._stream = Slow(device.feed)
    assert json.dumps(conversation.ask("invoke", 2))
    assert len(sent) == 1
