"""The errors that cross modules. Each carries one clear sentence: what, where, what would be right."""


class CallhandlerError(Exception):
    """Anything callhandler says no to, in one sentence a person can act on."""


class Refused(CallhandlerError):
    """A request that was understood and not carried out (CLI exit code 1)."""


class SiteError(CallhandlerError):
    """The site file can't be used; the message lists every mistake, one a line."""


class Unreachable(CallhandlerError):
    """The daemon can't be reached (CLI exit code 3)."""


class CallerGone(CallhandlerError):
    """The caller's channel is no longer ours: hung up, or taken out of the script by Asterisk.

    Any verb of a `Caller` raises it. It says nothing about *why*; the channel's own events do.
    """
