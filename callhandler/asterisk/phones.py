"""Which phones have just become free, or are used again, before Asterisk's device states say so. Pure.

Asterisk has one thread for the device states of everything, and looks at all calls of a trunk each time one of them changes
(main/devicestate.c, chan_pjsip_devicestate): with a thousand callers that thread is seconds late, and agents whose phones
it hasn't come to stay idle. Channels are told of in time, so the end of a phone's last one tells as much.
It doesn't tell of a state that it finds unchanged, so that a phone that was quicker than it goes on in the one last told.
"""

from collections import Counter
from collections.abc import Iterable

from callhandler.asterisk import wire
from callhandler.asterisk.meanings import endpoint_of
from callhandler.core.model import Device
from callhandler.core.observed import LiveChannel, PhoneSeen

_OCCUPIED = frozenset({Device.IN_USE, Device.RINGING})


class Phones:
    """The channels of each phone, the state last told of it, and which are free since by the end of their channels alone."""

    def __init__(self) -> None:
        self._at: dict[str, str] = {}
        self._channels: Counter[str] = Counter()
        self._told: dict[str, Device] = {}
        self._freed: set[str] = set()

    def snapshot(self, channels: Iterable[LiveChannel], phones: Iterable[PhoneSeen]) -> None:
        """Start over from the channels that are there, and what Asterisk says of the phones."""
        self._at, self._channels, self._freed = {}, Counter(), set()
        self._told = {seen.phone: seen.device for seen in phones}
        for one in channels:
            self.begins(one.channel, one.name)

    def told(self, seen: PhoneSeen) -> None:
        """Take note of what Asterisk says of a phone."""
        self._told[seen.phone] = seen.device
        self._freed.discard(seen.phone)

    def begins(self, channel: str, name: str) -> PhoneSeen | None:
        """A channel has begun; says that its phone is as it was last told to be, if only its own end had made it free.

        One that stands in for a phone's, while that is moved, counts as that phone's.
        """
        phone = _phone(name.removeprefix(wire.SURROGATE_PREFIX))
        if phone is None or channel in self._at:
            return None
        self._at[channel] = phone
        self._channels[phone] += 1
        if phone not in self._freed:
            return None
        self._freed.discard(phone)
        return PhoneSeen(phone, self._told[phone])

    def ends(self, channel: str, name: str) -> PhoneSeen | None:
        """A channel has ended; says that its phone is free now, if nothing else is there and it was last told to be in use.

        What is left of a channel that was moved says nothing of the phone, which goes on in another one.
        """
        if (phone := self._at.pop(channel, None)) is not None:
            self._channels[phone] -= 1
            if not self._channels[phone]:
                del self._channels[phone]
        phone = _phone(name)
        if phone is None or phone in self._channels or phone in self._freed or self._told.get(phone) not in _OCCUPIED:
            return None
        self._freed.add(phone)
        return PhoneSeen(phone, Device.FREE)


def _phone(name: str) -> str | None:
    """The phone whose channel has this name; None for others', and for what is left of one that was moved."""
    endpoint = endpoint_of(name)
    moved = name.endswith(wire.ZOMBIE)
    return None if moved or not endpoint or endpoint.startswith(wire.TRUNK_PREFIX) else endpoint
