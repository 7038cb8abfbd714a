"""What is said: one conversation per file, one coroutine per call, against the verbs of `caller.Caller`."""
