"""`callhandler doctor`: looks at the whole set-up from outside the daemon. Evidence is gathered first; verdicts are pure."""
