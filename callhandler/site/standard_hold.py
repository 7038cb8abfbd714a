"""Standard prompts around a caller on hold: what the caller hears, and what the agent's phone says. In English, Spanish and German.

Part of `standard.py`, which says how prompts of a site stand in for these.
"""

HOLD: dict[str, tuple[str, str, str]] = {
    # --- to the caller
    "std-held": (
        "We have not forgotten you. You will be taken back in a moment.",
        "No nos hemos olvidado de usted. Enseguida le atendemos de nuevo.",
        "Wir haben Sie nicht vergessen. Gleich ist wieder jemand für Sie da.",
    ),
    "std-held-again": (
        "Thank you for your patience. Your call is still being looked after.",
        "Gracias por su paciencia. Seguimos ocupándonos de su llamada.",
        "Danke für Ihre Geduld. Wir kümmern uns weiter um Ihr Anliegen.",
    ),
    "std-held-key": (
        "To go back to the head of the line instead, press 1.",
        "Si prefiere volver al principio de la fila, pulse 1.",
        "Möchten Sie stattdessen an den Anfang der Warteschlange, drücken Sie die 1.",
    ),
    "std-head": (
        "You are back at the head of the line.",
        "Está de nuevo al principio de la fila.",
        "Sie sind wieder am Anfang der Warteschlange.",
    ),
    # --- to the agent
    "std-hold-reminder": (
        "You have a caller on hold.",
        "Tiene una llamada en espera.",
        "Sie haben einen Anruf in der Warteschleife.",
    ),
    "std-hold-returned": (
        "Your caller went back to the line.",
        "La persona en espera ha vuelto a la fila.",
        "Ihr Anrufer ist zurück in die Warteschlange gegangen.",
    ),
}
