"""The firmware itself, compiled for this computer, at the other end of the wire."""

import base64
import shutil
import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danas_hil.targets.wire_session import WireSession
from danas_hil.wire import (
    Conversation,
    Decoder,
    DeviceError,
    DeviceResetError,
    Frame,
    ProtocolError,
    encode,
)
from devices.native import Native, build
from devices.simulated import noisy

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return build(tmp_path_factory.mktemp("native") / "native", "-fsanitize=address,undefined")


@pytest.fixture
def start(program):
    runs = []

    def start(spoil=lambda data: data, **environment):
        runs.append(Native(program, spoil, **environment))
        return runs[-1]

    yield start
    for run in runs:
        run.end()
        assert run.process.returncode == 0


def invoke(conversation, data):
    conversation.upload(data, 10)
    reply = conversation.ask("invoke", 10)
    return conversation.download(reply["bytes"], reply["crc"], 10)


def test_hello_tells_what_was_built(start):
    log = []
    about = Conversation(start(), log=log.append).hello(5)
    assert (about["build"], about["board"]) == ("0123456789abcdef", "native")
    assert about["model"] == 'counting "@" \\'
    assert (about["arena_bytes"], about["flash_bytes"], about["ram_bytes"]) == (200, 4096, 1024)
    assert (about["reset"], about["starts"], about["fault"]) == ("power", 1, None)
    assert (about["timer"], about["timer_hz"]) == ("micros", 1_000_000)
    assert log == ["started", "user#home"]


def test_each_run_gives_the_output_of_its_own_input(start):
    conversation = Conversation(start())
    conversation.hello(5)
    assert conversation.ask("prepare", 5) == {"arena": 200, "input": 100, "output": 100}
    for run in range(1, 4):
        data = bytes((place * run) % 256 for place in range(100))
        assert invoke(conversation, data) == bytes((byte + run) % 256 for byte in data)


def test_a_noisy_line_never_makes_a_wrong_output(start):
    conversation = Conversation(start(noisy(0.01, seed=3)), patience=0.05, settle=0.0)
    conversation.hello(20)
    conversation.ask("prepare", 20)
    for run in range(1, 21):
        data = bytes((place * run) % 256 for place in range(100))
        assert invoke(conversation, data) == bytes((byte + run) % 256 for byte in data)
    assert conversation.repeats > 20


def test_nothing_is_done_before_hello_and_nothing_run_before_prepare(start):
    conversation = Conversation(start())
    with pytest.raises(DeviceResetError):
        conversation.ask("memory", 5)
    conversation.hello(5)
    with pytest.raises(DeviceError) as caught:
        conversation.ask("invoke", 5)
    assert caught.value.code == "prepare"


def test_an_input_serves_one_invoke_and_an_output_is_gone_with_the_next_input(start):
    conversation = Conversation(start())
    conversation.hello(5)
    conversation.ask("prepare", 5)
    conversation.upload(bytes(100), 5)
    reply = conversation.ask("invoke", 5)
    with pytest.raises(DeviceError, match="input"):
        conversation.ask("invoke", 5)
    assert conversation.download(reply["bytes"], reply["crc"], 5) == b"\1" * 100
    conversation.upload(bytes(100), 5)
    with pytest.raises(DeviceError, match="output"):
        conversation.download(reply["bytes"], reply["crc"], 5)


def test_a_profiling_program_tells_head_tail_and_each_operator_and_a_plain_one_none(start):
    plain, profiling = Conversation(start()), Conversation(start(NATIVE_PROFILE="1"))
    for conversation in (plain, profiling):
        conversation.hello(5)
        assert "head" not in conversation.ask("memory", 5)
        conversation.ask("prepare", 5)
    for request_ in ("profile", "operator"):
        with pytest.raises(DeviceError, match="'request'"):
            plain.ask(request_, 5)
    assert "head" not in plain.ask("memory", 5)
    told = profiling.ask("memory", 5)
    assert (told["head"], told["tail"]) == (150, 50)
    assert profiling.ask("profile", 5) == {"operators": 2}
    operators = [profiling.ask("operator", 5, at=at) for at in range(2)]
    assert operators[0] == {"name": "CONV_2D", "ticks": 1234567890123}
    assert (len(operators[1]["name"]), operators[1]["ticks"]) == (59, 5)
    with pytest.raises(DeviceError, match="'at'"):
        profiling.ask("operator", 5, at=2)


def test_an_output_depends_on_no_input_before_also_where_a_model_keeps_state(start):
    conversation = Conversation(start(NATIVE_STATE="1"))
    conversation.hello(5)
    conversation.ask("prepare", 5)
    data = bytes(range(100))
    first = invoke(conversation, data)
    invoke(conversation, bytes(100))
    conversation.ask("time", 5)
    assert invoke(conversation, data) == first


def test_a_timed_run_has_no_output_to_read(start):
    conversation = Conversation(start())
    conversation.hello(5)
    conversation.ask("prepare", 5)
    assert set(conversation.ask("time", 5)) == {"ticks"}
    with pytest.raises(DeviceError, match="output"):
        conversation.download(100, "0" * 8, 5)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (("put", {"at": 100, "data": "AAAA"}), "at"),
        (("put", {"at": -1, "data": "AAAA"}), "at"),
        (("put", {"at": 98, "data": "AAAA"}), "data"),
        (("put", {"at": 0, "data": "A*=="}), "data"),
        (("put", {"at": 0}), "at"),
        (("loaded", {"bytes": 99, "crc": "00000000"}), "crc"),
        (("loaded", {"bytes": 100, "crc": "00000000"}), "crc"),
        (("more", {"at": 0}), "at"),
        (("nonsense", {}), "request"),
    ],
)
def test_what_a_device_can_not_do_is_refused_with_a_code(start, request_, code):
    conversation = Conversation(start())
    conversation.hello(5)
    conversation.ask("prepare", 5)
    with pytest.raises(DeviceError) as caught:
        conversation.ask(request_[0], 5, **request_[1])
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("fails", "request_", "code"),
    [("NATIVE_PREPARE", "prepare", "allocate"), ("NATIVE_INVOKE", "time", "invoke")],
)
def test_a_model_that_fails_is_refused_with_its_code(start, fails, request_, code):
    conversation = Conversation(start(**{fails: "allocate"}))
    conversation.hello(5)
    if request_ == "time":
        conversation.ask("prepare", 5)
    with pytest.raises(DeviceError) as caught:
        conversation.ask(request_, 5)
    assert caught.value.code == code


def test_a_crash_is_told_by_the_next_hello_and_only_by_that_start(start):
    conversation = Conversation(start())
    conversation.hello(5)
    with pytest.raises((DeviceResetError, ProtocolError)):
        conversation.ask("crash", 1)
    about = conversation.hello(5)
    assert (about["reset"], about["fault"], about["starts"]) == ("fault", "provoked", 2)
    assert about["status"] == "00000000"


def test_a_self_test_that_hangs_is_ended_by_the_watchdog(start):
    conversation = Conversation(start())
    conversation.hello(5)
    with pytest.raises(DeviceResetError):
        conversation.ask("hang", 20)
    about = conversation.hello(5)
    assert (about["reset"], about["fault"], about["starts"]) == ("fault", "watchdog", 2)
    assert "pc" not in about, "nobody knows where"
    with pytest.raises((DeviceResetError, ProtocolError)):
        conversation.ask("crash", 1)
    assert conversation.hello(5)["fault"] == "provoked"


def test_a_model_that_hangs_is_ended_by_the_watchdog(start):
    conversation = Conversation(start(NATIVE_HANG="1"))
    conversation.hello(5)
    conversation.ask("prepare", 5)
    for request_ in ("crash", "hang"):
        with pytest.raises(DeviceError, match="request"):
            conversation.ask(request_, 5)
    conversation.upload(bytes(100), 5)
    with pytest.raises(DeviceResetError):
        conversation.ask("invoke", 30)
    about = conversation.hello(5)
    assert (about["reset"], about["fault"], about["starts"]) == ("fault", "watchdog", 2)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=200), max_size=5))
def test_the_firmware_stands_any_noise_before_hello(program, noise):
    run = Native(program)
    try:
        for piece in noise:
            run.write(piece)
        assert Conversation(run).hello(5)["board"] == "native"
    finally:
        run.end()
    assert run.process.returncode == 0


@settings(max_examples=30, deadline=None)
@given(data=st.binary(max_size=45))
def test_both_ends_agree_on_base64_and_crc(program, data):
    run = Native(program)
    try:
        conversation = Conversation(run)
        conversation.hello(5)
        conversation.ask("prepare", 5)
        conversation.ask("put", 5, at=0, data=base64.b64encode(data).decode())
        padded = data + bytes(100 - len(data))
        conversation.upload(padded, 5)
        reply = conversation.ask("invoke", 5)
        output = conversation.download(reply["bytes"], reply["crc"], 5)
    finally:
        run.end()
    assert output == bytes((byte + 1) % 256 for byte in padded)


@pytest.mark.parametrize(
    "line",
    [
        encode(Frame(5, "hello", "nonce=1")).replace(b"hello", b"hellO"),
        b"@5 hello nonce=1 *00000000\n",
        b"@ *00000000\n",
        b"@\n",
        b"@" + b"x" * 200 + b"\n",
        encode(Frame(5, "hello", "no key")),
        encode(Frame(0, "hello", "nonce=1")),
    ],
)
def test_a_damaged_request_is_answered_nak(start, line):
    run = start()
    run.write(line)
    decoder, events, until = Decoder(), [], time.monotonic() + 5
    while not any(isinstance(event, Frame) for event in events) and time.monotonic() < until:
        events += decoder.feed(run.read(1))
    assert Frame(0, "NAK") in events


@settings(max_examples=50, deadline=None)
@given(ticks=st.integers(2**31, 2**50), error=st.integers(-(2**31), 2**31 - 1))
def test_a_counter_of_32_bits_and_a_coarse_clock_make_one_that_never_wraps(program, ticks, error):
    command = [program, "nearest", str(ticks - error), str(ticks % 2**32)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=10)
    assert int(done.stdout) == ticks


@settings(max_examples=50, deadline=None)
@given(address=st.integers(0, 2**32 - 200), size=st.integers(0, 150))
def test_every_byte_of_an_object_lies_in_the_cache_lines_that_are_cleaned_and_no_line_is_without(
    program, address, size
):
    command = [program, "lines", str(address), str(size)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=10)
    first, count = map(int, done.stdout.split())
    cleaned = [first + 32 * number for number in range(count)]
    assert sorted({(address + at) // 32 * 32 for at in range(size)}) == cleaned


def test_a_program_tells_of_the_ram_that_it_takes_at_run_time_what_is_known(start):
    unknown, known = Conversation(start()), Conversation(start(NATIVE_HEAP="1"))
    for conversation in (unknown, known):
        conversation.hello(5)
    told = known.ask("memory", 5)
    assert (told["heap"], told["heap_peak"], told["stacks"]) == (9000, 8000, 33000)
    assert not {"heap", "heap_peak", "stacks"} & unknown.ask("memory", 5).keys()


def test_a_session_tells_what_an_operating_system_takes(start, tmp_path):
    session = WireSession(start(NATIVE_HEAP="1"), (100,), "int8", tmp_path / "log")
    session.start(5)
    memory = session.memory()
    told = (memory.heap_bytes, memory.heap_peak_bytes, memory.thread_stacks_bytes)
    assert told == (9000, 8000, 33000)


def test_a_host_that_does_not_read_stops_nothing(start):
    """Its port takes no more, and all that it sends is read nevertheless, in a second and not in
    one for each answer; once it reads again it is answered again."""
    run = start(NATIVE_USB="1")
    request_ = encode(Frame(1, "hello", "nonce=1")).replace(b"hello", b"hellO")  # answered NAK
    started = time.monotonic()
    for _ in range(20):  # a pipe takes 64 KiB either way; a NAK is half of its request
        run.write(request_ * 400)
    assert time.monotonic() - started < 100, "and not one for each of 8,000"
    assert Conversation(run).hello(60)["board"] == "native"
