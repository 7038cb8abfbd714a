"""`reload`: read the site file again, show what is different, and apply it without anybody losing a place or a conversation.

Everything that can fail is done before anything is applied; what fails keeps the old site in force.
"""

import asyncio

from callhandler.asterisk.pbx.get import ensure_asterisk, find_program
from callhandler.asterisk.pbx.process import AsteriskProcess
from callhandler.asterisk.pbx.telling import Silent
from callhandler.asterisk.sounds import make_sounds
from callhandler.control.desk import ReloadResult
from callhandler.core import events as e
from callhandler.core.model import Status
from callhandler.errors import CallhandlerError, SiteError
from callhandler.reception import Reception
from callhandler.site.diffing import diff, only_at_a_start
from callhandler.site.findings import Finding
from callhandler.site.lint import lint, load_checked
from callhandler.site.loading import LoadedSite
from callhandler.site.owed import owed
from callhandler.site.plan import plan
from callhandler.site.positions import written
from callhandler.store.journal import Journal
from callhandler.switchboard import Switchboard


class Reloading:
    """Knows the site file in force, and replaces it."""

    def __init__(self, loaded: LoadedSite, switchboard: Switchboard, reception: Reception, journal: Journal) -> None:
        self.loaded = loaded
        self._switchboard = switchboard
        self._reception = reception
        self._journal = journal
        self._one_at_a_time = asyncio.Lock()

    async def reload(self, dry_run: bool, by: str) -> ReloadResult:
        """Read, compare, and unless `dry_run` apply; the result says what is different and whether it is in force."""
        async with self._one_at_a_time:
            try:
                new, wiser = await asyncio.to_thread(load_checked, self.loaded.path)
            except SiteError as error:
                return ReloadResult((), applied=False, error=str(error))
            known = await asyncio.to_thread(lint, self.loaded)
            differences = (
                *diff(self.loaded.site, new.site),
                *self._left_alone(new),
                *self._unseated(new),
                *_brought(wiser, known),
            )
            if fixed := only_at_a_start(self.loaded.site, new.site):
                return ReloadResult(differences, applied=False, error=_needs_a_start(fixed))
            if dry_run:
                return ReloadResult(differences, applied=False)
            try:
                await self._prepare(new)
            except CallhandlerError as error:
                return ReloadResult(differences, applied=False, error=str(error))
            if new.digest == self.loaded.digest:  # recordings and the lookup's table may be new all the same
                self._reception.open_for(new)
                return ReloadResult((), applied=True)
            await self._journal.keep_site(new.digest, self._switchboard.clock(), new.text)
            self._apply(new, by)
            return ReloadResult(differences, applied=True)

    def _left_alone(self, new: LoadedSite) -> list[str]:
        """Return how many were told that they are called back and are not, where `new` takes away what that needs."""
        queues = [one.queue for one in self._switchboard.callbacks.all()]
        before = list(owed(self.loaded.site, queues))
        return [
            f"{written(one.path)}: {one.sentence}: {one.remedy}" for one in owed(new.site, queues) if one not in before
        ]

    def _unseated(self, new: LoadedSite) -> list[str]:
        """Return who sits at a phone that `new` has no more, and is logged out with it."""
        here = [one for one in self._switchboard.line.books.agents.values() if one.status is not Status.LOGGED_OUT]
        return [
            f"{written(('phones', one.phone))}: agent {one.id} ({one.plan.name}) is logged in there, and is logged out with it"
            for one in here
            if one.phone is not None and one.phone not in new.site.phones
        ]

    async def _prepare(self, new: LoadedSite) -> None:
        """Do what can fail: prompts, then Asterisk's configuration, which goes back to the old when Asterisk doesn't take it."""
        made = await asyncio.to_thread(make_sounds, new, find_program)
        if made.errors:
            raise SiteError("\n".join(made.causes))
        if not (new.directory / "var" / "asterisk" / "etc" / "asterisk.conf").exists():
            return  # beside an operator's own Asterisk: nothing of it is ours to change
        program = await asyncio.to_thread(ensure_asterisk, new.site.asterisk.program, Silent())
        asterisk = AsteriskProcess(self.loaded, program)
        try:
            await asterisk.reload(new)
        except CallhandlerError:
            await asterisk.reload(self.loaded)
            raise

    def _apply(self, new: LoadedSite, by: str) -> None:
        self._switchboard.record(
            e.SiteLoaded(at=self._switchboard.clock(), digest=new.digest, reason=f"reload by {by}")
        )
        self._switchboard.replace_plan(plan(new.site))
        self._reception.open_for(new)
        self.loaded = new


def _brought(findings: list[Finding], known: list[Finding]) -> list[str]:
    """Return the warnings that come with the new file; whatever stood in the old one is known."""
    before = {(one.key, one.sentence) for one in known}
    return [f"{one.key}: {one.sentence}: {one.remedy}" for one in findings if (one.key, one.sentence) not in before]


def _needs_a_start(fixed: list[str]) -> str:
    """Half a reload would part Asterisk and the daemon: the one at a new port or with a new secret, the other with the old."""
    return f"taken up only when callhandler starts: {'; '.join(fixed)}. End it and start it again"
