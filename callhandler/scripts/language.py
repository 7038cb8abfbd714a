"""Choosing a language: prompts are spoken in it, and it becomes a skill wanted, in place of that of the language before."""

from callhandler.core import events as e
from callhandler.scripts.house import Session


async def choose_language(session: Session, language: str) -> None:
    """Speak in `language` from now on, and want an agent who speaks it."""
    house, call = session.house, session.call
    skill = house.site.company.languages[language]
    house.note(e.AttributeSet(at=house.now(), call=call.id, name="language", value=language))
    house.note(e.AttributeSet(at=house.now(), call=call.id, name="speaks", value=skill))
    await session.caller.speak_language(language)
