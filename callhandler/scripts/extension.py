"""Dialling somebody directly: by extension, from the directory of agents, or from a desk phone. No queue, no place in line."""

from callhandler.core import events as e
from callhandler.scripts.caller import Digits, Prompt, Sound, Spoken
from callhandler.scripts.house import Session

PHONE_CONTEXT = "callhandler-phone"
TRIES = 3
PAGE = 8


async def dial_extension(session: Session) -> str | None:
    """Ask for an extension and ring it; a person after all tries."""
    site = session.house.site
    await session.caller.answer()
    longest = max((len(one) for one in (*site.agents, *site.phones)), default=4)
    for _ in range(TRIES):
        keyed = await session.caller.digits(Sound("vm-enter-num-to-call"), most=longest, seconds=5.0)
        if keyed == "0":
            return "operator"
        if keyed in site.agents:
            return _sent(session, f"agent:{keyed}", "dialled extension")
        if keyed in site.phones:
            return _sent(session, f"phone:{keyed}", "dialled extension")
        await session.caller.say(Sound("pbx-invalid"))
    return _sent(session, "operator", "no usable extension")


async def directory(session: Session) -> str | None:
    """Read the agents out, eight at a time, and ring the one chosen; 9 goes on, 0 a person."""
    await session.caller.answer()
    agents = list(session.house.site.agents)
    for start in range(0, len(agents), PAGE):
        page = agents[start : start + PAGE]
        spoken: list[Spoken] = []
        places = "12345678"[: len(page)]
        for place, agent in zip(places, page, strict=True):
            spoken += [Sound("vm-for"), Prompt(f"agent-{agent}"), Sound("vm-press"), Digits(place)]
        keys = f"0{places}9"
        key = await session.caller.say(*spoken, keys=keys) or await session.caller.key(5.0, keys)
        if key == "0":
            break
        if key is not None and key != "9":
            return _sent(session, f"agent:{page[places.index(key)]}", "chosen from the directory")
    return _sent(session, "operator", "nobody chosen from the directory")


async def ring_agent(session: Session, agent: str) -> str | None:
    """Ring an agent wherever the agent sits; a person when that can't be."""
    phone = session.house.agent_free(agent)
    if phone is None:
        await session.caller.answer()
        await session.caller.say(Digits(agent), Sound("vm-isunavail"))
        return _sent(session, "operator", f"agent {agent} can't be rung")
    return await ring_phone(session, phone)


async def ring_phone(session: Session, phone: str) -> str | None:
    """Ring a phone through the dialplan, which brings the caller back here when nobody answers."""
    if session.call.sent_to is None or session.call.sent_to.partition(":")[0] not in ("agent", "phone"):
        _sent(session, f"phone:{phone}", f"dialled {session.number}")
    await session.caller.leave(PHONE_CONTEXT, phone)
    return None


def _sent(session: Session, to: str, reason: str) -> str:
    house = session.house
    house.note(e.CallSent(at=house.now(), call=session.call.id, to=to, reason=reason))
    return to
