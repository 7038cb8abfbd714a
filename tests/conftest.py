"""For all tests."""

import asyncio
import os

from hypothesis import settings

# Property tests try the same examples every time, so that what is green stays green; EXPLORE=1 has them try new ones.
settings.register_profile("explore", derandomize=False)
settings.register_profile("the same", derandomize=True)
settings.load_profile("explore" if os.environ.get("EXPLORE") else "the same")

# pytest-asyncio asks for "the current event loop" before a thread's first test of its own; Python 3.11 then makes one that nobody closes,
# and the garbage collector reports it in some later test. Told that there is none, Python makes none.
asyncio.set_event_loop(None)
