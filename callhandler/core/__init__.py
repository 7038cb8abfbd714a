"""The decisions, pure: no asyncio, no I/O, no clock, no randomness. `now` is always an argument.

Times are seconds since the epoch, UTC, as floats; durations are seconds.
"""
