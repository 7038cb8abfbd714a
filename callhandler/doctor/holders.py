"""Who holds the ports of a private site that could not be started: what doctor says of it, for `up` to say at once."""

from callhandler.doctor.checks.asterisk import ports
from callhandler.doctor.evidence import Evidence
from callhandler.doctor.machine import listeners
from callhandler.doctor.seen import Mode
from callhandler.site.loading import LoadedSite


def held(loaded: LoadedSite) -> str | None:
    """Return which port is held, by whom, and what to do; None when none is. Nothing of the site's own may run any more."""
    place, tls = loaded.site.asterisk, loaded.site.tls
    found = listeners({place.ami_port, place.agi_port, place.sip_port} | ({tls.port} if tls else set()))
    if not found:
        return None
    verdict = ports(Evidence(loaded=loaded, mode=Mode.PRIVATE, base=(), now=0.0, listeners=found))
    return f"{verdict.sentence}: {verdict.remedy}"
