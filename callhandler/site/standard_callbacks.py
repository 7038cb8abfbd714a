"""Standard prompts of callbacks: asking for one, the agent's side, the customer's side. In English, Spanish and German.

Part of `standard.py`, which says how prompts of a site stand in for these. `{company}` becomes the company's name.
"""

CALLBACKS: dict[str, tuple[str, str, str]] = {
    # --- asking for one
    "std-cb-number": (
        "We will call you back at this number:",
        "Le llamaremos a este número:",
        "Wir rufen Sie unter dieser Nummer zurück:",
    ),
    "std-cb-confirm": (
        "If that is right, press 1. For another number, press 2. To go on waiting, press star.",
        "Si es correcto, pulse 1. Para otro número, pulse 2. Para seguir esperando, pulse asterisco.",
        "Wenn das stimmt, drücken Sie die 1. Für eine andere Nummer die 2. Um weiter zu warten, die Sterntaste.",
    ),
    "std-cb-key-in": (
        "Please key in the number that we shall call, with its area code, and then hash.",
        "Marque el número al que debemos llamar, con prefijo, y después almohadilla.",
        "Bitte geben Sie die Nummer mit Vorwahl ein, unter der wir Sie anrufen sollen, und danach die Raute.",
    ),
    "std-cb-not-this": (
        "We are sorry, we can't call that number.",
        "Lo sentimos, no podemos llamar a ese número.",
        "Diese Nummer können wir leider nicht anrufen.",
    ),
    "std-cb-when": (
        "To be called as soon as it is your turn, press 1. To choose a time, press 2.",
        "Para que le llamemos en cuanto sea su turno, pulse 1. Para elegir una hora, pulse 2.",
        "Damit wir Sie anrufen, sobald Sie an der Reihe sind, drücken Sie die 1. Um eine Zeit zu wählen, die 2.",
    ),
    "std-cb-late": (
        "It will probably not be your turn before we close.",
        "Probablemente no llegará su turno antes de que cerremos.",
        "Bis wir schließen, sind Sie voraussichtlich nicht mehr an der Reihe.",
    ),
    "std-cb-choose": (
        "Please choose when we shall call you.",
        "Elija cuándo debemos llamarle.",
        "Bitte wählen Sie, wann wir Sie anrufen sollen.",
    ),
    "std-cb-taken": (
        "We are sorry: that time has just been taken.",
        "Lo sentimos: esa hora acaba de ocuparse.",
        "Diese Zeit ist leider gerade vergeben worden.",
    ),
    "std-cb-tomorrow": ("Tomorrow", "Mañana", "Morgen"),
    "std-cb-day-1": ("On Monday", "El lunes", "Am Montag"),
    "std-cb-day-2": ("On Tuesday", "El martes", "Am Dienstag"),
    "std-cb-day-3": ("On Wednesday", "El miércoles", "Am Mittwoch"),
    "std-cb-day-4": ("On Thursday", "El jueves", "Am Donnerstag"),
    "std-cb-day-5": ("On Friday", "El viernes", "Am Freitag"),
    "std-cb-day-6": ("On Saturday", "El sábado", "Am Samstag"),
    "std-cb-day-7": ("On Sunday", "El domingo", "Am Sonntag"),
    "std-cb-later": ("For a later time, press 9.", "Para una hora más tarde, pulse 9.", "Für eine spätere Zeit die 9."),
    "std-cb-press": ("press", "pulse", "drücken Sie die"),
    "std-cb-from": ("From", "Desde las", "Ab"),
    "std-cb-promise-now": (
        "Thank you. You keep your place in line, and we call you as soon as it is your turn. Goodbye.",
        "Gracias. Usted conserva su lugar y le llamaremos en cuanto sea su turno. Adiós.",
        "Danke. Sie behalten Ihren Platz, und wir rufen Sie an, sobald Sie an der Reihe sind. Auf Wiederhören.",
    ),
    "std-cb-promise-open": (
        "Thank you. You keep your place in line, and once we are open again we call you as soon as it is your turn. Goodbye.",
        "Gracias. Usted conserva su lugar, y cuando volvamos a abrir le llamaremos en cuanto sea su turno. Adiós.",
        "Danke. Sie behalten Ihren Platz, und sobald wir wieder geöffnet haben und Sie an der Reihe sind, rufen wir Sie an. "
        "Auf Wiederhören.",
    ),
    "std-cb-promise-at": (
        "Thank you. We will call you between",
        "Gracias. Le llamaremos entre las",
        "Danke. Wir rufen Sie an zwischen",
    ),
    "std-cb-promise-on": ("Thank you. We will call you", "Gracias. Le llamaremos", "Danke. Wir rufen Sie an:"),
    "std-cb-between": ("between", "entre las", "zwischen"),
    "std-cb-and": ("and", "y las", "und"),
    "std-cb-goodbye": ("Goodbye.", "Adiós.", "Auf Wiederhören."),
    "std-cb-joined": (
        "We have a callback to this number on our list already, and we keep its place. Goodbye.",
        "Ya tenemos anotada una llamada a este número y conservamos su lugar. Adiós.",
        "Ein Rückruf unter dieser Nummer ist schon vorgemerkt, und sein Platz bleibt erhalten. Auf Wiederhören.",
    ),
    # --- calling again
    "std-cb-again": (
        "We have not forgotten you: you are on our list to be called back. To wait on the line now, at your place, press 1. "
        "To cancel the callback, press 2.",
        "No le hemos olvidado: está en nuestra lista de llamadas. Para esperar ahora en la línea, en su lugar, pulse 1. "
        "Para anular la llamada, pulse 2.",
        "Wir haben Sie nicht vergessen: Ihr Rückruf ist vorgemerkt. Um jetzt an Ihrem Platz zu warten, drücken Sie die 1. "
        "Um den Rückruf abzusagen, die 2.",
    ),
    "std-cb-again-closed": (
        "We have not forgotten you: you are on our list to be called back. To cancel the callback, press 2.",
        "No le hemos olvidado: está en nuestra lista de llamadas. Para anular la llamada, pulse 2.",
        "Wir haben Sie nicht vergessen: Ihr Rückruf ist vorgemerkt. Um ihn abzusagen, drücken Sie die 2.",
    ),
    "std-cb-cancelled": (
        "The callback is cancelled.",
        "La llamada ha sido anulada.",
        "Der Rückruf ist abgesagt.",
    ),
    # --- what the agent hears
    "std-cb-agent": ("Callback.", "Devolución de llamada.", "Rückruf."),
    "std-cb-agent-minutes": (
        "Minutes since the customer called:",
        "Minutos desde la llamada del cliente:",
        "Minuten seit dem Anruf des Kunden:",
    ),
    "std-cb-agent-hours": (
        "Hours since the customer called:",
        "Horas desde la llamada del cliente:",
        "Stunden seit dem Anruf des Kunden:",
    ),
    "std-cb-agent-number": ("The number is", "El número es", "Die Nummer ist"),
    "std-cb-agent-choice": (
        "To call them now, press 1. To refuse, press hash.",
        "Para llamar ahora, pulse 1. Para rechazar, pulse almohadilla.",
        "Um jetzt anzurufen, drücken Sie die 1. Zum Ablehnen die Raute.",
    ),
    "std-cb-agent-not-reached": (
        "The customer could not be reached. Thank you.",
        "No se ha podido localizar al cliente. Gracias.",
        "Der Kunde war nicht zu erreichen. Danke.",
    ),
    "std-cb-agent-over": (
        "This callback is not needed any more. Thank you.",
        "Esta llamada ya no es necesaria. Gracias.",
        "Dieser Rückruf ist nicht mehr nötig. Danke.",
    ),
    # --- what the customer hears
    "std-cb-hello": (
        "Hello. This is {company}, calling you back as you asked.",
        "Buenos días. Le llamamos de {company}, como usted pidió.",
        "Guten Tag. Hier ist {company} mit dem Rückruf, um den Sie gebeten haben.",
    ),
    "std-cb-hello-unasked": (
        "Hello. This is {company}. You called us, and nobody was free in time.",
        "Buenos días. Le llamamos de {company}. Usted nos llamó y nadie estaba libre a tiempo.",
        "Guten Tag. Hier ist {company}. Sie haben uns angerufen, und niemand war rechtzeitig frei.",
    ),
    "std-cb-connecting": (
        "Thank you. We are connecting you to an agent.",
        "Gracias. Le ponemos con un agente.",
        "Danke. Wir verbinden Sie.",
    ),
    "std-cb-nobody-free": (
        "We are sorry: we called you, and now nobody is free after all. You keep your place, and we call you again with an agent "
        "already on the line. You may hang up now.",
        "Lo sentimos: le hemos llamado y ahora nadie está libre. Usted conserva su lugar y le llamaremos de nuevo con un agente "
        "ya en la línea. Puede colgar.",
        "Es tut uns leid: Wir haben Sie angerufen, und nun ist doch niemand frei. Sie behalten Ihren Platz, und wir rufen Sie wieder "
        "an, sobald jemand für Sie am Telefon ist. Sie können jetzt auflegen.",
    ),
    "std-cb-wait-on": (
        "To wait on the line, press 1.",
        "Para esperar en la línea, pulse 1.",
        "Um in der Leitung zu warten, drücken Sie die 1.",
    ),
    "std-cb-accept": (
        "To be connected, press 1.",
        "Para hablar con nosotros, pulse 1.",
        "Um verbunden zu werden, drücken Sie die 1.",
    ),
}
