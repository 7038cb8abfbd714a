"""The standard prompts: what callhandler says by itself and Asterisk's own sounds lack, in English, Spanish and German.

They are spoken by the site's speech program like the site's own prompts. A site says any of them differently, or in a further
language, with a prompt of the same id. Numbers and digits are not among them: those are Asterisk's own sounds.
"""

from callhandler.site.conversation import PromptTable
from callhandler.site.standard_callbacks import CALLBACKS
from callhandler.site.standard_edges import EDGES
from callhandler.site.standard_hold import HOLD

_TEXTS: dict[str, tuple[str, str, str]] = {
    # --- check-ins in line: a turn of phrase, then where one stands, then what one can do
    "std-thanks-1": ("Thank you for waiting.", "Gracias por esperar.", "Danke, dass Sie warten."),
    "std-thanks-2": (
        "We have not forgotten you.",
        "No nos hemos olvidado de usted.",
        "Wir haben Sie nicht vergessen.",
    ),
    "std-thanks-3": ("We appreciate your patience.", "Le agradecemos su paciencia.", "Danke für Ihre Geduld."),
    "std-thanks-4": (
        "You are still in line with us.",
        "Usted sigue en la línea de espera.",
        "Sie sind weiterhin in unserer Warteschlange.",
    ),
    "std-next": ("You are next in line.", "Usted es el siguiente.", "Sie sind als Nächstes an der Reihe."),
    "std-place": (
        "Your place in line is number",
        "Su lugar en la fila es el número",
        "Ihr Platz in der Warteschlange ist Nummer",
    ),
    "std-busier": (
        "We are sorry: it has become busier, and it takes longer than we told you.",
        "Lo sentimos: hay más llamadas, y tardaremos más de lo que le dijimos.",
        "Es tut uns leid: Es ist mehr los, und es dauert länger als angesagt.",
    ),
    "std-wait-1": (
        "It should take less than a minute.",
        "Debería tardar menos de un minuto.",
        "Es dauert voraussichtlich weniger als eine Minute.",
    ),
    "std-wait-2": (
        "It should take one to two minutes.",
        "Debería tardar de uno a dos minutos.",
        "Es dauert voraussichtlich ein bis zwei Minuten.",
    ),
    "std-wait-5": (
        "It should take three to five minutes.",
        "Debería tardar de tres a cinco minutos.",
        "Es dauert voraussichtlich drei bis fünf Minuten.",
    ),
    "std-wait-10": (
        "It should take six to ten minutes.",
        "Debería tardar de seis a diez minutos.",
        "Es dauert voraussichtlich sechs bis zehn Minuten.",
    ),
    "std-wait-15": (
        "It should take eleven to fifteen minutes.",
        "Debería tardar de once a quince minutos.",
        "Es dauert voraussichtlich elf bis fünfzehn Minuten.",
    ),
    "std-wait-30": (
        "It should take sixteen to thirty minutes.",
        "Debería tardar de dieciséis a treinta minutos.",
        "Es dauert voraussichtlich sechzehn bis dreißig Minuten.",
    ),
    "std-wait-long": (
        "It may take longer than half an hour.",
        "Puede tardar más de media hora.",
        "Es kann länger als eine halbe Stunde dauern.",
    ),
    "std-key-1": (
        "To be called back and keep your place, press 1.",
        "Para que le llamemos sin perder su lugar, pulse 1.",
        "Für einen Rückruf, ohne Ihren Platz zu verlieren, drücken Sie die 1.",
    ),
    "std-key-2": (
        "To leave a message, press 2.",
        "Para dejar un mensaje, pulse 2.",
        "Um eine Nachricht zu hinterlassen, drücken Sie die 2.",
    ),
    "std-key-0": (
        "For the operator, press 0.",
        "Para hablar con la centralita, pulse 0.",
        "Für die Zentrale drücken Sie die 0.",
    ),
    "std-kept": (
        "You have kept your place in line.",
        "Usted ha conservado su lugar en la fila.",
        "Ihr Platz in der Warteschlange ist Ihnen geblieben.",
    ),
    "std-not-now": (
        "We are sorry, that is not possible right now.",
        "Lo sentimos, eso no es posible ahora.",
        "Das ist im Moment leider nicht möglich.",
    ),
}

LANGUAGES = ("en", "es", "de")
COMPANY = "{company}"


def standard() -> dict[str, PromptTable]:
    """Return the standard prompts by id; every id begins with `std-`."""
    return _tables(_TEXTS | EDGES | HOLD)


def standard_callbacks(company: str) -> dict[str, PromptTable]:
    """Return the standard prompts of callbacks, which name the company; a site without callbacks needs none of them."""
    said = {
        name: (en.replace(COMPANY, company), es.replace(COMPANY, company), de.replace(COMPANY, company))
        for name, (en, es, de) in CALLBACKS.items()
    }
    return _tables(said)


def _tables(texts: dict[str, tuple[str, str, str]]) -> dict[str, PromptTable]:
    return {name: PromptTable(texts=dict(zip(LANGUAGES, said, strict=True))) for name, said in texts.items()}
