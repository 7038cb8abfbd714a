"""The soak: an hour of calls as in life, and nothing failed, grown or left over afterwards (`make soak`, docs/survival.md)."""
