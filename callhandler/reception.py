"""Every call that Asterisk hands over: takes the AGI session, makes it a call, and runs its script to the end."""

import asyncio
from collections.abc import Callable

import structlog

from callhandler.asterisk import wire
from callhandler.asterisk.agi_session import AgiSession
from callhandler.asterisk.caller import AgiCaller
from callhandler.asterisk.door import Door
from callhandler.asterisk.sounds import sound_path
from callhandler.attendant import Attendant
from callhandler.callback_rooms import AgentsRoom, AskingRoom, Commit, CustomersRoom
from callhandler.core import events as e
from callhandler.core.calls import Call
from callhandler.core.hours import Opening, opening
from callhandler.core.model import Outcome
from callhandler.core.redials import Left
from callhandler.errors import CallerGone
from callhandler.frontdesk import FrontDesk
from callhandler.lookup import CsvLookup, Lookup
from callhandler.messages import MessageBox
from callhandler.numbers import SiteNumbers
from callhandler.pins import Pins
from callhandler.scripts.callback_agent import call_back
from callhandler.scripts.callback_customer import called_back
from callhandler.scripts.callback_house import AgentSession, CustomerSession
from callhandler.scripts.house import Customer, Session
from callhandler.scripts.inbound import inbound
from callhandler.site.calendars import schedule
from callhandler.site.loading import LoadedSite
from callhandler.site.models import Site
from callhandler.switchboard import Switchboard

log = structlog.get_logger("reception")
_SETTLED = 2.0
"""Seconds within which AMI has told why a caller's session ended."""


class Reception:
    """Receives calls. `site` may be replaced at any time; calls that are here keep the one they came with."""

    def __init__(
        self,
        loaded: LoadedSite,
        switchboard: Switchboard,
        desk: FrontDesk,
        attendant: Attendant,
        commit: Commit,
        door: Door,
        is_ending: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take the parts a conversation needs; `commit` waits until all facts so far are on disk; `is_ending`: no new calls are taken."""
        self._is_ending = is_ending
        self._door = door
        self._switchboard = switchboard
        self._commit = commit
        self._attendant = attendant
        self._desk = desk
        self._pins = Pins(switchboard.clock, self._pins_locked)
        self.open_for(loaded)

    def open_for(self, loaded: LoadedSite) -> None:
        """Receive calls by this site file from now on."""
        self._loaded = loaded
        site = loaded.site
        self._lookup = None if site.lookup is None else CsvLookup(loaded.inside(site.lookup.csv), site.company.country)
        self._switchboard.callbacks.guard_by(SiteNumbers(site))

    async def receive(self, session: AgiSession) -> None:
        """Hold one AGI session's conversation. Whatever goes wrong in it, the caller goes on in the dialplan or is let go properly."""
        env = session.env
        number, source, state = (*env.args, "", "", "")[:3]
        site = self._loaded.site
        messages = MessageBox(self._loaded.directory)
        caller = AgiCaller(session, self._sound, site.default_language, site.company.time_zone, messages.path)
        known = self._switchboard.calls.at(env.uniqueid)
        again = known is not None and known.rings_since is None
        if not again and self._is_ending() and env.script != wire.SCRIPT_CALLBACK:
            await session.command(wire.AGI_SET_VARIABLE, wire.VARIABLE_AWAY, wire.AWAY_REFUSE)
            return  # the dialplan lets the network have it back, which can send it elsewhere
        if known is None and env.script == wire.SCRIPT_CALLBACK:
            known = await self._call_back(session, caller, site)
            if known is None:
                return
        call = known or self._arrive(session, number, source)
        # Agents' phones are always served at once, and who has been answered can't ring any more.
        may_ring = known is None and source.startswith(wire.SOURCE_TRUNK) and state != wire.ANSWERED
        if may_ring and not self._door.is_open():
            await self._keep_ringing(session, call)
            return
        visit = self._switchboard.begin_visit(call, caller.cut, lambda: session.end("the call is over"))
        house = self._house(site, messages)
        try:
            await inbound(Session(caller, call, number, source, house, visit), again)
        except CallerGone:
            self._switchboard.gone(call)
        except Exception:
            log.exception("a script failed; the dialplan keeps the caller and asks again", call=call.id)
        finally:
            self._switchboard.end_visit(visit)

    async def _keep_ringing(self, session: AgiSession, call: Call) -> None:
        """Leave a caller to the dialplan, which has it ring until the door lets it in: it comes again then (docs/adr/0013)."""
        self._switchboard.record(e.CallKeptRinging(at=self._switchboard.clock(), call=call.id, late=self._door.is_late))
        try:
            with self._door.keeping(call.id):
                await session.command(wire.AGI_SET_VARIABLE, wire.VARIABLE_KEEP, "1")
        except CallerGone:
            pass  # the channel's own end tells the switchboard
        finally:
            self._switchboard.gone(call)

    async def _call_back(self, session: AgiSession, caller: AgiCaller, site: Site) -> Call | None:
        """Speak with one side of a callback; return the call of a customer who said yes, and is in line from then on."""
        leg, callbacks = session.env.uniqueid, self._switchboard.callbacks
        visit = callbacks.begin_agent(leg, caller.cut)
        customer = callbacks.customers.customer_at(leg)
        try:
            if visit is not None:
                task = AgentsRoom(callbacks, visit, site, self._commit)
                await call_back(AgentSession(caller, site, self._switchboard.clock(), task))
            elif customer is not None:
                if await called_back(
                    CustomerSession(
                        caller,
                        site,
                        CustomersRoom(callbacks, customer, session.env.channel),
                        machine=wire.AMD_MACHINE in session.env.args[2:3],
                    )
                ):
                    return self._switchboard.calls.at(leg)
            else:  # it was cancelled at the moment the phone was picked up
                await caller.hang_up()
        except CallerGone:
            pass  # the channel's own end tells the switchboard
        except Exception:
            log.exception("a script failed; the dialplan keeps the channel and asks again", leg=leg)
        finally:
            if visit is not None:
                callbacks.end_agent(visit)
        return None

    def _house(self, site: Site, messages: MessageBox) -> "HouseOfCall":
        return HouseOfCall(
            site,
            self._switchboard,
            self._desk,
            self._pins,
            self._lookup,
            messages,
            self._attendant,
            self._commit,
        )

    def _arrive(self, session: AgiSession, number: str, source: str) -> Call:
        env = session.env
        self._switchboard.record(
            e.CallArrived(
                at=self._switchboard.clock(),
                call=env.uniqueid,
                channel=env.channel,
                number=number,
                caller_number=env.caller_number,
                caller_name=env.caller_name,
                source=source,
            )
        )
        return self._switchboard.calls.here[env.uniqueid]

    def _pins_locked(self, what: str, which: str, seconds: float) -> None:
        agent = which if what == "agent" else None
        reason = (
            f"too many wrong PINs {'for' if agent else 'at'} {what} {which}: no PIN is taken there for {seconds:.0f} s"
        )
        self._switchboard.record(e.AlarmRaised(at=self._switchboard.clock(), kind="pin", agent=agent, reason=reason))

    def _sound(self, prompt: str, language: str) -> str:
        return str(sound_path(self._loaded.directory, prompt, language))


class HouseOfCall:
    """The house as one call's script sees it; implements scripts.house.House."""

    def __init__(
        self,
        site: Site,
        switchboard: Switchboard,
        desk: FrontDesk,
        pins: Pins,
        lookup: Lookup | None,
        messages: MessageBox,
        attending: Attendant,
        commit: Commit,
    ) -> None:
        self.site = site
        self.attending = attending
        self.calling_back = AskingRoom(switchboard.callbacks, switchboard.clock, commit)
        self.messages = messages
        self._switchboard = switchboard
        self._desk = desk
        self._pins = pins
        self._lookup = lookup

    @property
    def emergency(self) -> str | None:
        """The reason of an emergency closing."""
        return self._switchboard.emergency

    def now(self) -> float:
        """Return the seconds since the epoch."""
        return self._switchboard.clock()

    def note(self, fact: e.Fact) -> None:
        """Keep a fact."""
        self._switchboard.record(fact)

    async def joined(self, call: Call) -> bool:
        """Tell whether a call whose channel is gone was joined with an agent: AMI says so a moment after AGI."""
        told = asyncio.Event()
        stop = self._switchboard.listen(lambda _: told.set())
        try:
            async with asyncio.timeout(_SETTLED):
                while call.leg is None and self._switchboard.line.books.offers_of(call.id):
                    told.clear()
                    await told.wait()
        except TimeoutError:
            log.warning("nobody told why a caller's session ended", call=call.id)
        finally:
            stop()
        return call.leg is not None

    def enter(self, call: Call, queue: str) -> Outcome | None:
        """Put a call in line, or say why not."""
        return self._switchboard.enter(call, queue)

    def call_out(self, call: Call, number: str) -> None:
        """Take note that the caller is about to be connected with a number outside."""
        self._switchboard.callbacks.call_out(call, number)

    def redialled(self, call: Call) -> Left | None:
        """Return the place in line that the caller left a moment ago."""
        return self._switchboard.redials.find(call)

    def opening(self, hours: str) -> Opening:
        """Tell whether opening hours say open now."""
        now = self.now()
        return opening(schedule(self.site, hours, now), now)

    async def look_up(self, number: str) -> Customer | None:
        """Ask who calls, for as long as the site allows."""
        if self._lookup is None or self.site.lookup is None:
            return None
        async with asyncio.timeout(self.site.lookup.deadline):
            return await self._lookup.find(number)

    def identify(self, agent: str, pin: str, phone: str) -> bool:
        """Check an agent's PIN."""
        table = self.site.agents.get(agent)
        return self._pins.check(agent, pin, None if table is None else table.pin.get_secret_value(), phone)

    def agent_at(self, phone: str) -> str | None:
        """Return the agent logged in at a phone."""
        agent = self._switchboard.line.books.agent_at(phone)
        return None if agent is None else agent.id

    def agent_free(self, agent: str) -> str | None:
        """Return the phone at which an agent could be rung right now."""
        found = self._switchboard.line.books.agents.get(agent)
        return found.phone if found is not None and found.is_ready() else None

    def log_in(self, agent: str, phone: str) -> None:
        """Log an agent in at a phone."""
        self._desk.login(agent, phone, by=f"phone {phone}")

    def log_out(self, agent: str) -> None:
        """Log an agent out."""
        self._desk.logout(agent, by="handset")

    def pause(self, agent: str) -> None:
        """Send an agent on break."""
        self._desk.pause(agent, "", by="handset")

    def resume(self, agent: str) -> None:
        """Make an agent available again."""
        self._desk.resume(agent, by="handset")
