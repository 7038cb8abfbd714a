"""A menu: every prompt can be barged into, wrong and silent input each have their say, and nobody confused is hung up on."""

from callhandler.core import events as e
from callhandler.scripts.caller import Prompt, Sound, Spoken
from callhandler.scripts.house import Session
from callhandler.scripts.language import choose_language
from callhandler.site.models import Choice


async def menu(session: Session, menu_id: str, key: str | None = None) -> str:
    """Offer a menu until a key leads somewhere, or its tries are used up; return where the caller goes.

    `key` was pressed before the menu could be offered: whoever knows it need not hear it.
    """
    house, call, caller = session.house, session.call, session.caller
    table = house.site.menus.get(menu_id)
    if table is None:  # the call comes back, and the site file lost this menu meanwhile
        return _sent(session, "operator", f"menu {menu_id} is gone from the site file")
    await caller.answer()
    house.note(e.MenuEntered(at=house.now(), call=call.id, menu=menu_id))
    before: tuple[Spoken, ...] = ()
    for _ in range(table.tries):
        key = key or await caller.ask(*before, Prompt(table.prompt), seconds=table.timeout)
        if key is None:
            house.note(e.MenuSilent(at=house.now(), call=call.id, menu=menu_id))
            before = (Prompt(table.silent) if table.silent else Sound("please-try-again"),)
            continue
        meaning = table.keys.get(key) or ("operator" if key == "0" and table.operator_key else "")
        led_to = meaning.to if isinstance(meaning, Choice) else meaning
        house.note(e.KeyPressed(at=house.now(), call=call.id, menu=menu_id, key=key, led_to=led_to))
        if isinstance(meaning, Choice):
            await _learn(session, meaning)
        if led_to:
            return _sent(session, led_to, f"key {key} in menu {menu_id}")
        key, before = None, (Prompt(table.invalid) if table.invalid else Sound("pm-invalid-option"),)
    await caller.say(*before)
    return _sent(session, table.fallback, f"no usable key in menu {menu_id}")


async def _learn(session: Session, choice: Choice) -> None:
    house, call = session.house, session.call
    if choice.reason is not None:
        house.note(e.AttributeSet(at=house.now(), call=call.id, name="reason", value=choice.reason))
    if choice.wants is not None:
        house.note(e.AttributeSet(at=house.now(), call=call.id, name="wants", value=call.wanting(choice.wants)))
    if choice.language is not None:
        await choose_language(session, choice.language)


def _sent(session: Session, to: str, reason: str) -> str:
    house = session.house
    house.note(e.CallSent(at=house.now(), call=session.call.id, to=to, reason=reason))
    return to
