"""What never stands in the journal: the secrets of a site file. Pure text."""

import re

_SECRET = re.compile(
    r"""^(?P<key>\s*(?:[\w."'-]*\.)?["']?(?:pin|password|[\w-]*secret|[\w-]*token)["']?\s*=\s*).*$""",
    re.IGNORECASE | re.MULTILINE,
)
_INLINE = re.compile(
    r"""(?P<key>[{,]\s*["']?(?:pin|password|[\w-]*secret|[\w-]*token)["']?\s*=\s*)(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^,}\s]+)""",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """Return a site file's text (TOML) with the value of every secret, password, token and PIN masked."""
    return _SECRET.sub(r'\g<key>"***"', _INLINE.sub(r'\g<key>"***"', text))
