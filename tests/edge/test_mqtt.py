"""MQTT with a real mosquitto: what arrives, what is retained, and what a broker that is away or hangs can't do."""
# ruff: noqa: ASYNC110

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiomqtt import Client

from callhandler.core.events import AgentPaused, CallEnded, RoutingDecided
from callhandler.core.model import Outcome
from callhandler.core.views import CallView
from callhandler.publish.mqtt import MqttPublisher
from callhandler.publish.topics import level
from callhandler.site.models import Mqtt
from tests.edge.broker import Broker
from tests.ports import free_port
from tests.unit.control.fake_desk import CALL, FakeDesk

SECOND = replace(CALL, id="pbx1-2.0")


class Here(FakeDesk):
    """A present whose calls can change."""

    def __init__(self) -> None:
        super().__init__()
        self.here: list[CallView] = [CALL]

    def calls(self) -> list[CallView]:
        return self.here


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path, free_port())
    broker.start()
    yield broker
    broker.stop()


@asynccontextmanager
async def publishing(publisher: MqttPublisher) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.get_running_loop().create_task(publisher.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def publisher_for(broker: Broker, present: FakeDesk, queue: int = 100) -> MqttPublisher:
    return MqttPublisher(Mqtt(port=broker.port, topic="ch", queue=queue), "pbx1", present)


async def until(what: Callable[[], bool], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.02)


class Witness:
    """Somebody who listens to all topics."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []
        self.states: dict[str, str] = {}

    async def listen(self, client: Client) -> None:
        async for message in client.messages:
            topic, payload = str(message.topic), bytes(message.payload).decode()  # type: ignore[arg-type]
            if "/events/" in topic:
                self.events.append((topic, json.loads(payload)))
            elif payload:
                self.states[topic] = payload
            else:
                self.states.pop(topic, None)


@asynccontextmanager
async def witness(broker: Broker) -> AsyncIterator[Witness]:
    """A client whose subscription outlasts it and the broker, so that it also hears what was said while it was connecting."""
    seen = Witness()
    async with Client("127.0.0.1", broker.port, identifier="witness", clean_session=False) as client:
        await client.subscribe("ch/#", qos=1)
        task = asyncio.get_running_loop().create_task(seen.listen(client))
        try:
            yield seen
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def paused(number: int) -> AgentPaused:
    return AgentPaused(at=float(number), agent="7001", reason=str(number), by="ann")


async def test_events_and_states_arrive_and_ended_calls_are_cleared(broker: Broker) -> None:
    here = Here()
    publisher = publisher_for(broker, here)
    async with witness(broker) as seen, publishing(publisher):
        publisher.publish(paused(1))
        publisher.publish(RoutingDecided(at=2.0, call=CALL.id, queue="sales", agent=None, snapshot="long"))
        await until(lambda: len(seen.events) == 2 and len(seen.states) == 4)
        assert seen.events[0] == (
            "ch/pbx1/events/AgentPaused",
            {"kind": "AgentPaused", "version": 1, "at": 1.0, "agent": "7001", "reason": "1", "by": "ann"},
        )
        assert "snapshot" not in seen.events[1][1]
        assert seen.states["ch/pbx1/online"] == "true"
        call = json.loads(seen.states[f"ch/pbx1/calls/{CALL.id}"])
        assert (call["state"], call["queue"], call["entered"]) == ("waiting", "sales", CALL.entered)
        assert "waited" not in call
        assert json.loads(seen.states["ch/pbx1/agents/7001"])["status"] == "available"
        assert json.loads(seen.states["ch/pbx1/queues/sales"])["waiting"] == 1
        here.here = [SECOND]
        publisher.publish(CallEnded(at=3.0, call=CALL.id, outcome=Outcome.ANSWERED, reason="caller"))
        await until(
            lambda: f"ch/pbx1/calls/{CALL.id}" not in seen.states and f"ch/pbx1/calls/{SECOND.id}" in seen.states
        )
    async with witness(broker) as later:
        await until(lambda: later.states.get("ch/pbx1/online") == "false")
        assert f"ch/pbx1/calls/{CALL.id}" not in later.states


def be_a_daemon(port: int) -> None:
    """Publish until killed; run in a process of its own."""
    publisher = MqttPublisher(Mqtt(port=port, topic="ch"), "pbx1", Here())
    asyncio.run(publisher.run())


async def test_a_daemon_that_dies_is_offline_and_its_calls_are_cleared_by_the_next(broker: Broker) -> None:
    root = str(Path(__file__).parents[2])
    code = f"import sys; sys.path.insert(0, {root!r}); from tests.edge import test_mqtt; test_mqtt.be_a_daemon({broker.port})"
    first = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        async with witness(broker) as seen:
            await until(lambda: f"ch/pbx1/calls/{CALL.id}" in seen.states)
            first.kill()
            await until(lambda: seen.states.get("ch/pbx1/online") == "false")
            assert f"ch/pbx1/calls/{CALL.id}" in seen.states
            here = Here()
            here.here = [SECOND]
            async with publishing(publisher_for(broker, here)):
                await until(lambda: f"ch/pbx1/calls/{CALL.id}" not in seen.states)
                await until(lambda: f"ch/pbx1/calls/{SECOND.id}" in seen.states)
                assert seen.states["ch/pbx1/online"] == "true"
    finally:
        first.kill()
        first.wait()


async def test_it_can_be_stopped_at_any_moment(broker: Broker) -> None:
    for pause in (0.0, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08):
        publisher = publisher_for(broker, Here())
        async with asyncio.timeout(60), publishing(publisher):
            await asyncio.sleep(pause)
            publisher.publish(paused(1))


@pytest.mark.parametrize("turns", range(10))
async def test_it_can_be_stopped_as_an_answer_comes(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    """On Python 3.11 a wait_for that is cancelled in the turn of the loop after its answer keeps the cancelling to itself."""
    answered = asyncio.Event()
    on_publish = Client._on_publish

    def answer(*args: Any, **more: Any) -> None:
        on_publish(*args, **more)
        if publisher.view().connected:
            answered.set()

    monkeypatch.setattr(Client, "_on_publish", answer)
    publisher = publisher_for(broker, Here())
    async with asyncio.timeout(60), publishing(publisher):
        await answered.wait()
        for _ in range(turns):
            await asyncio.sleep(0)


async def test_it_can_be_stopped_as_the_broker_dies(broker: Broker) -> None:
    for pause in (0.0, 0.0005, 0.001, 0.005):
        publisher = publisher_for(broker, Here())
        async with asyncio.timeout(30), publishing(publisher):
            await until(lambda: publisher.view().connected)  # noqa: B023
            broker.stop()
            await asyncio.sleep(pause)
        broker.start()


async def test_events_outlast_a_broker_that_is_away(broker: Broker) -> None:
    async with witness(broker):
        pass
    broker.stop()
    publisher = publisher_for(broker, Here())
    async with publishing(publisher):
        began = time.thread_time()
        for number in range(150):
            publisher.publish(paused(number))
        assert time.thread_time() - began < 0.5
        view = publisher.view()
        assert (view.connected, view.kept, view.dropped) == (False, 100, 50)
        broker.start()
        async with witness(broker) as seen:
            await until(lambda: len(seen.events) == 100)
            assert [event["reason"] for _, event in seen.events] == [str(number) for number in range(50, 150)]
        assert publisher.view().connected


async def test_a_broker_that_hangs_delays_nothing_and_loses_nothing(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callhandler.publish.mqtt._DEADLINE", 0.5)
    publisher = publisher_for(broker, Here())
    async with witness(broker) as seen, publishing(publisher):
        await until(lambda: publisher.view().connected)
        broker.signal(signal.SIGSTOP)
        for number in range(60):
            publisher.publish(paused(number))
            await asyncio.sleep(0)
        await until(lambda: not publisher.view().connected)
        assert publisher.view().kept == 60
        broker.signal(signal.SIGCONT)
        await until(lambda: {event["reason"] for _, event in seen.events} == {str(number) for number in range(60)})
        assert publisher.view().dropped == 0


async def test_a_present_that_fails_does_not_end_the_task(broker: Broker) -> None:
    class Broken(Here):
        def agents(self) -> list[object]:  # type: ignore[override]
            raise KeyError("oops")

    publisher = publisher_for(broker, Broken())
    async with publishing(publisher) as task:
        await asyncio.sleep(0.5)
        assert not task.done()


@pytest.mark.parametrize("text", ["", "a/b", "+", "#", "a\x00b", "%", "\n", "pbx1-1.0", "ünï"])
def test_a_level_is_one_level(text: str) -> None:
    made = level(text)
    assert made
    assert not set(made) & set("/+#\x00\n")
