"""For all tests."""

import asyncio

# pytest-asyncio asks for "the current event loop" before a thread's first test of its own; Python 3.11 then makes one that nobody closes,
# and the garbage collector reports it in some later test. Told that there is none, Python makes none.
asyncio.set_event_loop(None)
