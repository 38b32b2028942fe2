"""URLs without what is secret in them: for config.toml, for printing, for errors."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

_URL = re.compile(r"(?P<scheme>[A-Za-z][\w.+-]*://)(?P<rest>.*)", re.DOTALL)
_USERINFO = re.compile(r"(?P<user>[^:/?#@]*)(?::(?P<password>[^@]*))?@(?P<after>.*)", re.DOTALL)
_SECRET = re.compile(
    r"pass|pwd|secret|token|credential|signature|auth|odbc_?connect"
    r"|(?<![a-z])(?:key|sig|dsn)(?![a-z])|(?:api|access|account|private|storage)[-_.]?key"
)
_PATHS = re.compile(r"file$|path$|^ssl[-_]?key$")
"""Options that name a file: the secret is in there, and stays there."""


def public_url(url: str) -> str:
    """`url` without its password and without the parameters that hold secrets.

    The user's name stays. Of what is no URL, all up to the last `@` is left out.
    """
    return _taken_apart(url)[0]


def has_secret(url: str) -> bool:
    return bool(_taken_apart(url)[1])


def scrubbed(text: str, url: str | None) -> str:
    """`text`, what a library says of `url`, without the secrets of that."""
    for secret in sorted(_taken_apart(url or "")[1], key=len, reverse=True):
        for form in {secret, unquote_plus(secret)}:
            # Within a word, a short one is more likely to be a part of that.
            text = re.sub(
                re.escape(form) if len(form) > 3 else rf"(?<!\w){re.escape(form)}(?!\w)",
                "***",
                text,
            )
    return text


def _taken_apart(url: str) -> tuple[str, list[str]]:
    """The public part, and the secrets as they are written."""
    match = _URL.fullmatch(url)
    if match is None:
        before, at, after = url.rpartition("@")
        return (f"***@{after}", [before]) if at and before else (url, [])
    secrets, rest, user = [], match["rest"], ""
    if found := _USERINFO.match(rest):
        user, rest = f"{found['user']}@", found["after"]
        secrets.append(found["password"] or "")
        # A password with an unquoted @ goes on in what looks like the host.
        host = re.match(r"[^/?#]*", rest)
        if host and "@" in host[0]:
            secrets.append(host[0].rpartition("@")[0])
            rest = rest[host[0].rindex("@") + 1 :]
    place, mark, query = rest.partition("?")
    kept = []
    for pair in re.split(r"(?<=[&;])", query):
        name, equals, value = pair.rstrip("&;").partition("=")
        key = unquote_plus(name).lower()
        if equals and _SECRET.search(key) and not _PATHS.search(key):
            secrets.append(value)
        else:
            kept.append(pair)
    query = "".join(kept).rstrip("&;")
    public = f"{match['scheme']}{user}{place}{mark if query else ''}{query}"
    return public, [secret for secret in secrets if secret]
