"""callhandler: Asterisk keeps the audio and outlives us. The daemon decides. The journal remembers."""

__version__ = "0.1.0"
