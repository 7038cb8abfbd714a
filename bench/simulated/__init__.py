"""A call centre in virtual time, for bench programs."""
