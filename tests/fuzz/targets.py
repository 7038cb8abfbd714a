"""Every target by its name."""

from tests.fuzz import asterisk, connecting, control, files, people, values
from tests.fuzz.engine import Target

_ALL = (*asterisk.TARGETS, *values.TARGETS, *people.TARGETS, *files.TARGETS, *control.TARGETS, *connecting.TARGETS)
TARGETS: dict[str, Target] = {target.name: target for target in _ALL}
