"""The checks, by subject: each a small pure function from evidence to one verdict. The order is that of a repair."""

from collections.abc import Callable

from callhandler.doctor.checks import ami, asterisk, audio, daemon, machine, people, site
from callhandler.doctor.evidence import Evidence
from callhandler.doctor.verdict import Verdict

Check = Callable[[Evidence], Verdict]

CHECKS: tuple[Check, ...] = (
    site.site_file, site.file_modes, site.trunks_in_clear, site.certificate,
    machine.disk, machine.clock, machine.time_zone, machine.journal,
    asterisk.running, asterisk.version, asterisk.ports, asterisk.modules, asterisk.configuration, asterisk.dialplan, asterisk.fastagi_key,
    asterisk.includes,
    ami.login, ami.needed, ami.excess, ami.events, ami.writetimeout, ami.exposure,
    audio.phrases, audio.prompts, audio.music,
    daemon.running, daemon.release, daemon.link, daemon.agi, daemon.site_in_force, daemon.backlog, daemon.publishers, daemon.alarms,
    people.phones, people.agents,
)  # fmt: skip
