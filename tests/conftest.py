"""For all tests."""

import asyncio
import os

from hypothesis import HealthCheck, settings

from tests.busy import pytest_runtest_protocol, pytest_terminal_summary

__all__ = ["pytest_runtest_protocol", "pytest_terminal_summary"]

# Property tests try the same examples every time, so that what is green stays green; EXPLORE=1 has them try new ones.
# How long an example takes is the machine's business: a process that is put aside for 200 ms has found nothing.
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", SLOW, derandomize=False)
settings.register_profile("the same", SLOW, derandomize=True)
settings.load_profile("explore" if os.environ.get("EXPLORE") else "the same")

# pytest-asyncio asks for "the current event loop" before a thread's first test of its own; Python 3.11 then makes one that nobody closes,
# and the garbage collector reports it in some later test. Told that there is none, Python makes none.
asyncio.set_event_loop(None)
