"""Crowds that call a system under test, for bench programs."""
