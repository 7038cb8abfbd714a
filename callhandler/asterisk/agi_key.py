"""What proves that a FastAGI session comes from the dialplan that was rendered for this site: a key as the last argument.

FastAGI has no login: whoever may connect to the port could pretend to be a call, or a phone that dials a feature code. The key is
made from the AMI secret (HMAC-SHA256, RFC 2104, under a name of its own), so that there is nothing more to keep, and it tells nothing
about that secret. Who may read the dialplan (Asterisk's user, its console, the site's owner) knows it. It isn't in the URL, since
Asterisk writes that into its log for each call that finds nobody there (seen on 22.10.1, res_agi.c).
"""

import hashlib
import hmac
import re

_NAME = b"callhandler: this FastAGI session comes from the rendered dialplan"
_DIGITS = 32
_AFTER_URL = re.compile(r"agi://[^/,]+/\w+(?:(?:,[^,()]*){3},([^,()]*))?")


def key_of(ami_secret: str) -> str:
    """Return the site's key: 128 bits as 32 hexadecimal digits."""
    return hmac.new(ami_secret.encode(), _NAME, hashlib.sha256).hexdigest()[:_DIGITS]


def is_right(key: str, wanted: str) -> bool:
    """Tell whether a key that came is the one that is wanted, in constant time."""
    return hmac.compare_digest(key.encode("utf-8", "surrogatepass"), wanted.encode())


def keys_in(text: str) -> set[str]:
    """Return the keys that come with the FastAGI URLs of a dialplan; an empty one for a URL without."""
    return {found[1] or "" for found in _AFTER_URL.finditer(text)}
