"""What panoramisk 1.4 does by itself, one defect at a time: `python panoramisk_alone.py NAME PORT`.

Run in a process of its own, since some of them stop the event loop for ever. The other side is the test's fake Asterisk on PORT
(AMI), or the test connects to PORT (FastAGI). Prints one JSON object a line.
"""

import asyncio
import json
import logging
import sys
import time

from panoramisk import Manager, fast_agi, utils
from panoramisk.call_manager import CallManager
from panoramisk.message import Message

PORT = int(sys.argv[2])
START = time.monotonic()


def tell(**values):
    sys.stdout.write(json.dumps({"t": round(time.monotonic() - START, 3), **values}, default=str) + "\n")
    sys.stdout.flush()


async def agi(route):
    """A FastAGI application with one route, and a tick that shows whether the loop lives."""
    application = fast_agi.Application(loop=asyncio.get_running_loop())
    application.add_route("call", route)

    async def handler(reader, writer):
        try:
            await application.handler(reader, writer)
        except Exception as error:  # some Pythons tell of it only when the task is collected
            tell(died=repr(error))

    server = await asyncio.start_server(handler, "127.0.0.1", PORT)
    tell(ready=True)
    async with server:
        for tick in range(1_000):
            await asyncio.sleep(0.05)
            tell(tick=tick, cpu=time.process_time())


async def commands(*names, spread=False):
    async def route(request):
        try:
            if spread:
                results = await asyncio.gather(*(request.send_command(name) for name in names), return_exceptions=True)
                tell(results=[repr(one) for one in results])
                return
            for name in names:
                tell(command=name, answer=await request.send_command(name))
        except asyncio.CancelledError:
            tell(cancelled=True)
            raise
        except Exception as error:
            tell(error=repr(error))

    await agi(route)


async def plain_function():
    application = fast_agi.Application(loop=asyncio.get_running_loop())
    try:
        application.add_route("call", lambda request: None)
    except AttributeError as error:
        tell(error=repr(error))


async def cancelled():
    reader = asyncio.StreamReader()
    reader.feed_data(b"agi_network_script: call\n\n")
    application = fast_agi.Application(loop=asyncio.get_running_loop())

    async def route(request):
        await asyncio.sleep(60)

    class Writer:
        def get_extra_info(self, name):
            return None

        def close(self):
            pass

    application.add_route("call", route)
    task = asyncio.get_running_loop().create_task(application.handler(reader, Writer()))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait({task})
    tell(cancelled=task.cancelled())


async def ami(act=None, **settings):
    config = {"username": "u", "secret": "top-secret-value", "ping_delay": 10, "ping_interval": 10, **settings}
    manager = Manager(loop=asyncio.get_running_loop(), host="127.0.0.1", port=PORT, **config)
    manager.register_event("*", lambda _, seen: tell(event=seen.event, name=seen.calleridname))
    if act is not None:
        await act(manager)
    else:
        await manager.connect()
    for _ in range(1_000):
        await asyncio.sleep(0.05)
        tell(
            connected=manager._connected,
            pending=len(getattr(manager, "responses", {})),
            queued=len(manager.awaiting_actions),
        )


async def act_originate(manager):
    await manager.connect()
    manager.send_action({"Action": "Originate", "Channel": "PJSIP/101", "ChannelId": "of-1"})


async def act_late_originate(manager):
    await manager.connect()
    while manager._connected:  # noqa: ASYNC110 - until the test has cut the link, of which it tells nobody
        await asyncio.sleep(0.01)
    manager.send_action({"Action": "Originate", "Channel": "PJSIP/101", "ChannelId": "of-1"})


async def act_list(manager):
    await manager.connect()
    future = manager.send_action({"Action": "Status"})
    await asyncio.sleep(1.0)
    tell(list_done=future.done(), queued_now=len(manager.awaiting_actions))


async def act_inject(manager):
    await manager.connect()
    manager.send_action({"Action": "Originate", "CallerID": "x\r\n\r\nAction: Command\r\nCommand: core stop now"})


async def act_raise(manager):
    def burst(_, seen):
        if seen.event == "First":
            raise RuntimeError("a mistake in a callback")

    manager.register_event("First", burst)
    await manager.connect()


async def act_close(manager):
    await manager.connect()
    await asyncio.sleep(0.4)
    manager.close()
    tell(closed=True)


async def act_log(manager):
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="LOG %(message)s")
    await manager.connect()
    manager.send_action({"Action": "Setvar", "Variable": "PIN", "Value": "top-secret-value"})


def parsed(*lines):
    for line in lines:
        try:
            tell(line=line, parsed=utils.parse_agi_result(line))
        except Exception as error:
            tell(line=line, error=repr(error))


DEFECTS = {
    "F01": lambda: commands("NOOP"),
    "F02": lambda: commands("NOOP"),
    "F03": lambda: commands("NOOP"),
    "F04": lambda: commands("A", "B", "C"),
    "F05": lambda: commands("A"),
    "F06": lambda: commands("A", "B"),
    "F07": lambda: commands('SET VARIABLE X "a\nEXEC System touch"'),
    "F08": plain_function,
    "F09": lambda: commands("A"),
    "F10": cancelled,
    "F11": lambda: commands("A"),
    "F13": lambda: commands("A", "B", spread=True),
    "F14": lambda: commands("A"),
    "A01": ami,
    "A02": lambda: ami(act_inject),
    "A03": lambda: ami(act_originate, reconnect_timeout=0),
    "A04": lambda: ami(act_list),
    "A05": lambda: ami(act_late_originate, reconnect_timeout=1),
    "A06": lambda: ami(reconnect_timeout=0),
    "A07": lambda: ami(ping_delay=0, ping_interval=0),
    "A08": lambda: ami(act_close, reconnect_timeout=1),
    "A09": lambda: ami(act_raise),
    "A11": lambda: ami(act_late_originate, reconnect_timeout=0),
    "A12": lambda: ami(act_log, reconnect_timeout=0),
}

if __name__ == "__main__":
    name = sys.argv[1]
    if name == "F12":
        parsed("200 result=1 (hangup)", "200 result=-1", '200 result=1 (speech) endpos=0 text0="yes (please)"', "")
    elif name == "A10":
        loop = asyncio.new_event_loop()
        calls = CallManager(loop=loop)
        for number in range(3):
            calls.handle_calls(calls, Message({"Event": "Newchannel", "Uniqueid": f"1795286814.{number}"}))
        tell(calls=len(calls.calls_queues))
        loop.close()
    else:
        asyncio.run(DEFECTS[name](), debug=False)
