"""The planned end: no new calls, those here may end, what is left is hung up, and all is written down before the daemon stops.

Who rings and isn't answered yet (docs/adr/0013) is still a new call: given back to the network, which can send it elsewhere, rather than
answered and hung up soon after.

Who runs Asterisk and the daemon together (`callhandler up`) says when: SIGUSR1 begins it, SIGUSR2 hangs up what is left. A daemon beside an
operator's own Asterisk is ended by SIGTERM alone, which leaves its calls to the dialplan. Knows no processes.
"""

from collections.abc import Callable

import structlog

from callhandler.core.events import Fact, GapEnded
from callhandler.switchboard import Switchboard

BY = "the planned end"
log = structlog.get_logger("ending")


class Ending:
    """Ends the daemon, by calling `over`, once nobody is here any more."""

    def __init__(self, switchboard: Switchboard, over: Callable[[], None]) -> None:
        """Take the switchboard and what ends the daemon, which may be called more than once."""
        self._switchboard = switchboard
        self._over = over
        self.has_begun = False

    def begin(self) -> None:
        """Take no new calls from now on, and end with the last one that is here."""
        if self.has_begun:
            return
        self.has_begun = True
        log.info("no new calls are taken", here=len(self._switchboard.calls.here))
        self._switchboard.listen(self._look)
        self._give_back()
        self._look()

    def hang_up(self) -> None:
        """Hang up everybody who is still here; their ends are written as Asterisk reports them."""
        self.begin()
        for call in list(self._switchboard.calls.here.values()):
            self._switchboard.withdraw(call, BY)

    def _give_back(self) -> None:
        for call in self._switchboard.calls.here.values():
            if call.rings_since is not None:
                self._switchboard.give_back(call, BY)

    def _look(self, fact: Fact | None = None) -> None:
        if isinstance(fact, GapEnded):  # Asterisk could not be told so before
            self._give_back()
        if not self._switchboard.calls.here and not self._switchboard.line.books.callbacks.under_way():
            self._over()
