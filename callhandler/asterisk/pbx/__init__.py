"""A private Asterisk: got, configured, started and stopped (get, render, prepare, process)."""
