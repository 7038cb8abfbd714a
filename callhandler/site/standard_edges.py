"""Standard prompts of the edges of a wait: why it ends, messages, a place kept, the daemon away. In English, Spanish and German.

Part of `standard.py`, which says how prompts of a site stand in for these.
"""

EDGES: dict[str, tuple[str, str, str]] = {
    # --- why a wait ends, before what the site has for it
    "std-nobody": (
        "We are sorry. Nobody can take your call at the moment.",
        "Lo sentimos. En este momento nadie puede atender su llamada.",
        "Es tut uns leid. Im Moment kann niemand Ihren Anruf annehmen.",
    ),
    "std-timeout": (
        "We are sorry that nobody was free for so long.",
        "Sentimos que nadie haya estado libre durante tanto tiempo.",
        "Es tut uns leid, dass so lange niemand frei war.",
    ),
    "std-full": (
        "We are sorry. So many people are waiting that you would wait too long.",
        "Lo sentimos. Hay tantas personas en espera que tardaríamos demasiado.",
        "Es tut uns leid. Es warten so viele, dass es für Sie zu lange dauern würde.",
    ),
    "std-closing": (
        "We are sorry. We are closing now and can't take your call any more today.",
        "Lo sentimos. Estamos cerrando y hoy ya no podemos atender su llamada.",
        "Es tut uns leid. Wir schließen jetzt und können Ihren Anruf heute nicht mehr annehmen.",
    ),
    "std-closed": (
        "We are sorry. We are closed at the moment.",
        "Lo sentimos. En este momento está cerrado.",
        "Es tut uns leid. Wir haben im Moment geschlossen.",
    ),
    "std-emergency": (
        "We are sorry. We have to interrupt our service right now and can't take your call.",
        "Lo sentimos. Debemos interrumpir el servicio y no podemos atender su llamada.",
        "Es tut uns leid. Wir müssen unseren Dienst gerade unterbrechen und können Ihren Anruf nicht annehmen.",
    ),
    "std-offer-callback": (
        "To be called back, press 1.",
        "Para que le llamemos, pulse 1.",
        "Für einen Rückruf drücken Sie die 1.",
    ),
    # --- messages
    "std-message": (
        "Please leave your message after the tone, and press any key when you have finished.",
        "Por favor, deje su mensaje después de la señal y pulse cualquier tecla al terminar.",
        "Bitte sprechen Sie nach dem Ton und drücken Sie danach eine beliebige Taste.",
    ),
    "std-message-choice": (
        "To send your message, press 1. To listen to it, press 2. To record it again, press 3. To go back, press star.",
        "Para enviar su mensaje, pulse 1. Para escucharlo, pulse 2. Para grabarlo otra vez, pulse 3. Para volver, asterisco.",
        "Zum Senden Ihrer Nachricht drücken Sie die 1. Zum Anhören die 2. Um sie neu aufzunehmen, die 3. Zurück: die Sterntaste.",
    ),
    "std-message-empty": (
        "We did not hear a message.",
        "No hemos oído ningún mensaje.",
        "Wir haben keine Nachricht gehört.",
    ),
    "std-message-kept": (
        "Thank you. We have your message and will see to it. Goodbye.",
        "Gracias. Tenemos su mensaje y nos ocuparemos de él. Adiós.",
        "Danke. Wir haben Ihre Nachricht und kümmern uns darum. Auf Wiederhören.",
    ),
    # --- calling again
    "std-place-kept": (
        "Welcome back. We kept your place in line. To choose something else, press star.",
        "Bienvenido de nuevo. Hemos guardado su lugar. Para elegir otra cosa, pulse asterisco.",
        "Willkommen zurück. Wir haben Ihren Platz freigehalten. Für etwas anderes drücken Sie die Sterntaste.",
    ),
    # --- the daemon away: said by Asterisk itself
    "std-away": (
        "Please stay on the line. We have a technical problem, but your call is not lost, and we will be with you soon.",
        "Por favor, no cuelgue. Tenemos un problema técnico, pero su llamada no se ha perdido y pronto le atenderemos.",
        "Bitte bleiben Sie dran. Wir haben eine technische Störung, aber Ihr Anruf ist nicht verloren, und wir sind bald für Sie da.",
    ),
    "std-away-message": (
        "We are sorry: we still have a technical problem. Please leave a message after the tone, and we will call you. "
        "When you are done, press hash or hang up.",
        "Lo sentimos: seguimos con un problema técnico. Deje un mensaje después de la señal y le llamaremos. "
        "Al terminar, pulse almohadilla o cuelgue.",
        "Es tut uns leid: Wir haben noch immer eine technische Störung. Bitte sprechen Sie nach dem Ton, und wir rufen Sie an. "
        "Wenn Sie fertig sind, drücken Sie die Raute oder legen auf.",
    ),
    # --- overflow to an outside number
    "std-outside": (
        "One moment please. We are connecting you with somebody else who can help.",
        "Un momento, por favor. Le ponemos con otra persona que puede ayudarle.",
        "Einen Moment bitte. Wir verbinden Sie mit jemand anderem, der helfen kann.",
    ),
}
