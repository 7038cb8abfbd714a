"""Our AMI link to a fake Asterisk, running, and what it observed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from callhandler.asterisk.ami import Ami
from callhandler.asterisk.ami_session import AmiLink
from callhandler.core.observed import LinkUp, Observation
from callhandler.core.ports import OfferLeg
from tests.edge.fake_asterisk import SECRET, FakeAmi
from tests.edge.waiting import until

LEG = OfferLeg("of-1", "101", "pbx1-1.1", "PJSIP/pstn-00000001", 15.0, "Sales: Jo", "+4930")


class Watch:
    """What a link observed, in order."""

    def __init__(self) -> None:
        self.seen: list[Observation] = []

    def __call__(self, observation: Observation) -> None:
        """Take an observation."""
        self.seen.append(observation)

    def count(self, kind: type[object]) -> int:
        """How many of a kind were observed."""
        return sum(isinstance(one, kind) for one in self.seen)

    async def until(self, wanted: Callable[[], object]) -> None:
        """Wait until something is true."""
        await until(wanted)


@contextlib.asynccontextmanager
async def linked(fake: FakeAmi, watch: Callable[[Observation], None], **settings: object) -> AsyncIterator[Ami]:
    """A link to a fake, running; short waits so that tests are quick."""
    values = {"deadline": 10.0, "booting": 0.2, "slowest_retry": 0.1, **settings}
    link = AmiLink("127.0.0.1", fake.port, "callhandler", SECRET, **values)  # type: ignore[arg-type]  # numbers all
    ami = Ami(link, watch)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(ami.run(), name="ami")
        try:
            yield ami
        finally:
            running.cancel()


@contextlib.asynccontextmanager
async def up(fake: FakeAmi, **settings: object) -> AsyncIterator[tuple[Ami, Watch]]:
    """A link that is up."""
    watch = Watch()
    async with linked(fake, watch, **settings) as ami:
        await watch.until(lambda: watch.count(LinkUp))
        yield ami, watch
