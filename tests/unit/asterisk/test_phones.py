"""A phone is free as soon as its last channel has ended, however late Asterisk's device states are."""

import itertools

import pytest

from callhandler.asterisk.phones import Phones
from callhandler.core.model import Device
from callhandler.core.observed import LiveChannel, PhoneSeen

FREE = PhoneSeen("101", Device.FREE)


def occupied(*channels: tuple[str, str], device: Device = Device.IN_USE) -> Phones:
    phones = Phones()
    for channel, name in channels:
        phones.begins(channel, name)
    phones.told(PhoneSeen("101", device))
    return phones


@pytest.mark.parametrize("device", [Device.IN_USE, Device.RINGING])
def test_the_end_of_the_only_channel_frees_the_phone_once(device: Device) -> None:
    phones = occupied(("1", "PJSIP/101-00000001"), device=device)
    assert phones.ends("1", "PJSIP/101-00000001") == FREE
    assert phones.ends("1", "PJSIP/101-00000001") is None


@pytest.mark.parametrize("device", [Device.IN_USE, Device.RINGING])
def test_a_phone_used_again_before_its_state_is_told_is_as_it_was_as_asterisk_tells_no_state_twice(
    device: Device,
) -> None:
    phones = occupied(("1", "PJSIP/101-00000001"), device=device)
    assert phones.ends("1", "PJSIP/101-00000001") == FREE
    assert phones.begins("2", "PJSIP/101-00000002") == PhoneSeen("101", device)
    assert phones.begins("3", "PJSIP/101-00000003") is None
    assert phones.ends("2", "PJSIP/101-00000002") is None
    assert phones.ends("3", "PJSIP/101-00000003") == FREE


@pytest.mark.parametrize("device", [Device.FREE, Device.UNREACHABLE, Device.RINGING])
def test_a_phone_used_again_once_its_state_is_told_goes_by_that(device: Device) -> None:
    phones = occupied(("1", "PJSIP/101-00000001"))
    phones.ends("1", "PJSIP/101-00000001")
    phones.told(PhoneSeen("101", device))
    assert phones.begins("2", "PJSIP/101-00000002") is None


@pytest.mark.parametrize("device", [Device.FREE, Device.UNREACHABLE])
def test_nothing_is_said_of_a_phone_that_was_not_told_to_be_in_use(device: Device) -> None:
    phones = occupied(("1", "PJSIP/101-00000001"), device=device)
    assert phones.ends("1", "PJSIP/101-00000001") is None


def test_a_phone_with_another_call_is_still_in_use() -> None:
    phones = occupied(("1", "PJSIP/101-00000001"), ("2", "PJSIP/101-00000002"))
    assert phones.ends("1", "PJSIP/101-00000001") is None
    assert phones.ends("2", "PJSIP/101-00000002") == FREE


def test_the_rest_of_a_channel_that_was_moved_frees_nothing_and_what_stands_in_for_it_does() -> None:
    phones = occupied(("1", "PJSIP/101-00000001"))
    phones.begins("2", "Surrogate/PJSIP/101-00000001")
    assert phones.ends("1", "PJSIP/101-00000001<ZOMBIE>") is None
    assert phones.ends("2", "PJSIP/101-00000001") == FREE


def test_a_moved_channel_that_keeps_its_id_leaves_the_phone_in_use_until_it_ends() -> None:
    phones = occupied(("1", "PJSIP/101-00000001"))
    phones.begins("2", "Surrogate/PJSIP/101-00000001")
    assert phones.ends("2", "Surrogate/PJSIP/101-00000001<ZOMBIE>") is None
    assert phones.ends("1", "PJSIP/101-00000001") == FREE


def test_a_call_that_was_picked_up_goes_on_in_a_channel_of_another_phone() -> None:
    phones = occupied(("1", "PJSIP/101-00000001"))
    assert phones.ends("1", "PJSIP/101-00000001<ZOMBIE>") is None


@pytest.mark.parametrize("name", ["PJSIP/trunk-pstn-00000001", "Local/s@x-00000001;1", "", "PJSIP/", "101"])
def test_other_channels_are_no_phones(name: str) -> None:
    phones = occupied(("1", "PJSIP/101-00000001"))
    phones.begins("2", name)
    assert phones.ends("2", name) is None
    assert phones.ends("1", "PJSIP/101-00000001") == FREE


def test_after_a_gap_it_goes_by_what_is_there() -> None:
    phones = occupied(("1", "PJSIP/101-00000001"))
    phones.snapshot([LiveChannel("2", "PJSIP/101-00000002", None, "", "")], [PhoneSeen("101", Device.IN_USE)])
    assert phones.ends("1", "PJSIP/101-00000001") is None
    assert phones.ends("2", "PJSIP/101-00000002") == FREE


class Desk:
    """Phone 101 as it is, as Asterisk's slow thread has last told it, and as it is taken to be; a state is told once, as Asterisk does."""

    def __init__(self) -> None:
        self.phones = Phones()
        self.channels: dict[str, str] = {}
        self.made = 0
        self.told = self.taken = Device.FREE

    def take(self, seen: PhoneSeen | None) -> None:
        self.taken = self.taken if seen is None else seen.device

    def begins(self, name: str = "") -> None:
        self.made += 1
        channel = str(self.made)
        self.channels[channel] = name or f"PJSIP/101-{self.made:08x}"
        self.take(self.phones.begins(channel, self.channels[channel]))

    def ends(self) -> None:
        for channel in list(self.channels)[:1]:
            self.take(self.phones.ends(channel, self.channels.pop(channel)))

    def is_moved(self) -> None:
        for channel, name in list(self.channels.items())[:1]:
            self.begins(f"Surrogate/{name}")
            self.channels.pop(str(self.made))
            self.take(self.phones.ends(str(self.made), f"Surrogate/{name}<ZOMBIE>"))
            assert channel in self.channels

    def is_picked_up(self) -> None:
        for channel in list(self.channels)[:1]:
            self.take(self.phones.ends(channel, f"{self.channels.pop(channel)}<ZOMBIE>"))

    def gap(self) -> None:
        there = [LiveChannel(channel, name, None, "", "") for channel, name in self.channels.items()]
        self.phones.snapshot(there, [PhoneSeen("101", self.told)])
        self.taken = self.told

    def thread(self) -> None:
        state = Device.IN_USE if self.channels else Device.FREE
        if state is not self.told:
            self.told = self.taken = state
            self.phones.told(PhoneSeen("101", state))
        assert self.taken is state, "Asterisk has told all it will tell"


STEPS = (Desk.begins, Desk.ends, Desk.is_moved, Desk.is_picked_up, Desk.gap, Desk.thread)


def test_whatever_happens_before_its_thread_comes_the_phone_is_taken_for_what_it_is_after() -> None:
    for steps in itertools.product(STEPS, repeat=5):
        desk = Desk()
        for step in (*steps, Desk.thread):
            step(desk)
