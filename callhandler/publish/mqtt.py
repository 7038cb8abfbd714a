"""Facts and the present to an MQTT broker, as docs/mqtt.md describes the topics. Knows no call flow and no Asterisk.

`publish` is a listener that returns at once: events wait in a bounded queue, and when a broker is away for long the oldest are
dropped and counted. One task (`run`) does the talking. States are levels, not edges: about once a second the present is
compared with what the broker has, so that nothing missed, dropped or left by an earlier daemon stays wrong.
"""

import asyncio
import json
import random
import ssl
from collections import deque
from itertools import islice
from uuid import uuid4

from aiomqtt import Client, Message, MqttError, Will

from callhandler.core.events import Fact
from callhandler.core.plain_facts import fact_to_plain
from callhandler.core.views import PublisherView
from callhandler.logs import log
from callhandler.publish.topics import Present, Topics, states
from callhandler.site.models import Mqtt
from callhandler.tasks import heed_cancelling

_DEADLINE = 5.0
"""Seconds a broker has for an answer."""
_REFRESH = 1.0
"""Seconds between two comparisons of the present with what the broker has."""
_FIRST_BACK_OFF, _MOST_BACK_OFF = 0.5, 30.0
_ASK_AGAIN = 0.1
"""Seconds after which a task that hasn't ended is cancelled again."""
_BATCH = 50
"""Events under way at once. They stay in order, and a far-away broker doesn't slow them down to one a round trip."""
_STALE = b"\x00"
"""Stands for a retained state that somebody else, such as a daemon that died, left at the broker."""


class MqttPublisher:
    """Publishes for one daemon. `publish(fact)` may be called from the first moment on; `run()` is the daemon's task."""

    def __init__(self, settings: Mqtt, node: str, present: Present) -> None:
        """Take the broker's settings, this Asterisk's name and where the present can be looked at."""
        self._settings = settings
        self._topics = Topics(settings.topic, node)
        self._present = present
        self._node = node
        self._events: deque[tuple[str, bytes]] = deque()
        self._dropped = 0
        self._connected = False
        self._told_away = False
        self._some = asyncio.Event()
        self._published: dict[str, bytes] = {}
        self._log = log("mqtt")

    def publish(self, fact: Fact) -> None:
        """Take a fact to be published. Returns at once and never raises."""
        plain = fact_to_plain(fact)
        # The inputs of a decision are long, and `callhandler explain` reads them from the journal.
        plain.pop("snapshot", None)
        self._events.append((self._topics.event(fact), json.dumps(plain, separators=(",", ":")).encode()))
        if len(self._events) > self._settings.queue:
            self._events.popleft()
            self._dropped += 1
        self._some.set()

    def view(self) -> PublisherView:
        """Return how publishing goes."""
        return PublisherView(name="mqtt", connected=self._connected, kept=len(self._events), dropped=self._dropped)

    async def run(self) -> None:
        """Publish until cancelled: connect, and connect again with growing pauses when the broker is away."""
        back_off = _FIRST_BACK_OFF
        while True:
            try:
                async with self._client() as client:
                    back_off = _FIRST_BACK_OFF
                    await self._talk(client)
            except (MqttError, OSError) as error:
                self._away(error)
            except Exception:
                # A mistake in publishing is told, and is no reason to end the daemon and with it the watch over calls.
                self._log.exception("publishing to MQTT failed")
            heed_cancelling()
            await asyncio.sleep(back_off * random.uniform(0.8, 1.2))  # noqa: S311 - spreads reconnects, guards nothing
            back_off = min(_MOST_BACK_OFF, back_off * 2)

    def _client(self) -> Client:
        settings = self._settings
        client = Client(
            settings.host,
            settings.port,
            username=settings.user,
            password=None if settings.password is None else settings.password.get_secret_value(),
            identifier=f"callhandler-{self._node}-{uuid4().hex[:8]}",
            will=Will(self._topics.online, b"false", qos=1, retain=True),
            timeout=_DEADLINE,
            keepalive=15,
            max_inflight_messages=_BATCH,
            tls_context=ssl.create_default_context() if settings.tls else None,
        )
        client.pending_calls_threshold = 2 * _BATCH
        return client

    async def _talk(self, client: Client) -> None:
        self._published.clear()
        await client.subscribe([(topic, 1) for topic in self._topics.own])
        await client.publish(self._topics.online, b"true", qos=1, retain=True)
        self._connected, self._told_away = True, False
        self._log.info(
            "connected to the MQTT broker", host=self._settings.host, kept=len(self._events), dropped=self._dropped
        )
        loop = asyncio.get_running_loop()
        # Not a TaskGroup: on Python 3.11 one whose child fails while it is being cancelled forgets the cancelling.
        both = {
            loop.create_task(self._listen(client), name="mqtt listen"),
            loop.create_task(self._tell(client), name="mqtt tell"),
        }
        try:
            heed_cancelling()
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        except asyncio.CancelledError:
            await _end(both)
            await self._farewell(client)
            raise
        finally:
            self._connected = False
            await _end(both)

    async def _listen(self, client: Client) -> None:
        """Find out what was left at the broker, and notice at once when the connection is lost."""
        async for message in client.messages:
            topic = str(message.topic)
            if topic == self._topics.online and not message.retain:
                # Our own word comes back after all that had been retained: from here on nothing can be learnt.
                await client.unsubscribe(list(self._topics.own))
            elif self._is_left(topic, message):
                self._published.setdefault(topic, _STALE)

    def _is_left(self, topic: str, message: Message) -> bool:
        return bool(message.retain and message.payload and topic != self._topics.online)

    async def _tell(self, client: Client) -> None:
        loop = asyncio.get_running_loop()
        next_states = loop.time()
        while True:
            self._some.clear()
            await self._tell_events(client)
            if loop.time() >= next_states:
                await self._tell_states(client)
                next_states = loop.time() + _REFRESH
            try:
                async with asyncio.timeout_at(next_states):
                    await self._some.wait()
            except TimeoutError:
                continue

    async def _tell_events(self, client: Client) -> None:
        while self._events:
            batch = list(islice(self._events, _BATCH))
            before = self._dropped
            await asyncio.gather(*(client.publish(topic, payload, qos=1) for topic, payload in batch))
            # Some of the batch may have been dropped from the full queue meanwhile.
            for _ in range(len(batch) - min(len(batch), self._dropped - before)):
                self._events.popleft()

    async def _tell_states(self, client: Client) -> None:
        now = states(self._topics, self._present)
        for topic in [topic for topic in self._published if topic not in now]:
            await client.publish(topic, b"", qos=1, retain=True)
            del self._published[topic]
        for topic, payload in now.items():
            if self._published.get(topic) != payload:
                await client.publish(topic, payload, qos=1, retain=True)
                self._published[topic] = payload

    async def _farewell(self, client: Client) -> None:
        try:
            async with asyncio.timeout(2.0):
                await self._tell_events(client)
                await self._tell_states(client)
                await client.publish(self._topics.online, b"false", qos=1, retain=True)
        except (MqttError, OSError, TimeoutError) as error:
            self._away(error)

    def _away(self, error: Exception) -> None:
        self._connected = False
        if not self._told_away:
            self._told_away = True
            self._log.warning(
                "the MQTT broker is away; events are kept meanwhile", host=self._settings.host, reason=str(error)
            )


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    left = {one for one in tasks if not one.done()}
    while left:
        # Asked until they end: a cancelling that met its publish's answer in the same moment was lost (see heed_cancelling).
        for one in left:
            one.cancel()
        _, left = await asyncio.wait(left, timeout=_ASK_AGAIN)
    await asyncio.gather(*tasks, return_exceptions=True)
