"""The site file's tables about machinery: Asterisk, TLS, the daemon, speech, lookup, MQTT, trunks."""

from pathlib import Path

from pydantic import Field

from callhandler.site.values import (
    DATABASE_PATTERN,
    NETWORK_PATTERN,
    TOPIC_PATTERN,
    Host,
    Id,
    Line,
    Port,
    Seconds,
    SecretLine,
    Table,
    Whole,
)


class Asterisk(Table):
    """How to reach Asterisk, and with `callhandler up` how the private one is set up."""

    program: Path | None = Field(
        default=None, description="The asterisk program; by default the system's own, else the one unpacked privately."
    )
    node: Id = Field(
        default="pbx1",
        description="This Asterisk's name; part of every call's id, so that ids stay unique across machines.",
    )
    ami_host: Host = Field(
        default="127.0.0.1", description="Where AMI listens. Keep it on loopback: its secret travels in clear."
    )
    ami_port: Port = Field(default=5038, description="AMI's TCP port.")
    ami_user: Id = Field(
        default="callhandler", description="The AMI user, rendered with the least privileges that work."
    )
    ami_secret: SecretLine = Field(min_length=12, description="The AMI user's secret.")
    agi_host: Host = Field(
        default="127.0.0.1", description="Where the daemon listens for FastAGI. Keep it on loopback."
    )
    agi_port: Port = Field(default=4573, description="The daemon's FastAGI TCP port.")
    sip_address: Host = Field(
        default="0.0.0.0",  # noqa: S104 - desk phones are on other machines
        description="The address the private Asterisk listens on for SIP (UDP and TCP).",
    )
    sip_port: Port = Field(default=5060, description="The private Asterisk's SIP port.")
    rtp_first: Port = Field(default=10_000, description="First UDP port for audio.")
    rtp_last: Port = Field(default=10_999, description="Last UDP port for audio; two a call are used.")
    music: Path | None = Field(default=None, description="A folder of music to wait to; by default the distribution's.")
    ping: Seconds = Field(
        default=10.0,
        gt=0,
        description="How often the link is tried when nothing comes; dead after two without an answer.",
    )


class Tls(Table):
    """SIP over TLS at the private Asterisk, beside UDP and TCP. Without this table there is none."""

    address: Host = Field(
        default="0.0.0.0",  # noqa: S104 - desk phones are on other machines
        description="The address listened on. With sip_address on loopback, no phone can speak SIP in clear.",
    )
    port: Port = Field(default=5061, description="The TCP port.")
    certificate: Path = Field(
        default=Path("var/tls/asterisk.crt"),
        description="The certificate that phones are shown (PEM, with its chain): made by `callhandler certs`, or your own.",
    )
    key: Path = Field(default=Path("var/tls/asterisk.key"), description="Its key (PEM, without a passphrase).")
    trusted: Path = Field(
        default=Path("/etc/ssl/certs/ca-certificates.crt"),
        description="Who may have signed the certificates of encrypted trunks (PEM); by default Debian's list of the world's.",
    )


class Daemon(Table):
    """The daemon itself. Relative paths are the site's."""

    database: str = Field(
        default="sqlite:///var/journal.db",
        pattern=DATABASE_PATTERN,
        description="SQLAlchemy URL of the journal; a relative path is the site's.",
    )
    socket: Path = Field(default=Path("var/control.sock"), description="The control API's Unix socket, mode 0660.")
    log: Path = Field(default=Path("var/log/callhandler.log"), description="The daemon's log, one JSON object a line.")
    watchdog: Seconds = Field(default=10.0, gt=0, description="A daemon whose event loop hangs this long is replaced.")


class Journal(Table):
    """How long what happened is remembered."""

    keep: Whole = Field(
        default=1_095,
        ge=31,
        le=36_500,
        description="Days after which a call that is over is deleted from the journal, and its figures with it. "
        "An item of the inbox that waits for somebody keeps its call for 90 days.",
    )


class Speech(Table):
    """How prompt texts become speech."""

    command: list[Line] = Field(
        default=["espeak-ng", "-v", "{language}", "-s", "150", "-w", "{file}", "--stdin"],
        min_length=1,
        description="The text-to-speech program and its arguments; it reads the text on standard input and "
        "writes a WAV to {file}. No shell is involved.",
    )


class Lookup(Table):
    """The caller lookup before the menu. Fails open."""

    csv: Path = Field(description="CSV file with a header: number, name, tier, agent, language. Only number is needed.")
    deadline: Seconds = Field(default=1.5, gt=0, le=5, description="The caller waits no longer than this for it.")


class Mqtt(Table):
    """Events to an MQTT broker. A broker that is away delays no call."""

    host: Host = Field(default="127.0.0.1", description="The broker's host.")
    port: Port = Field(default=1883, description="The broker's port.")
    user: Line | None = Field(default=None, description="The user, if the broker wants one.")
    password: SecretLine | None = Field(default=None, description="The password, if the broker wants one.")
    topic: str = Field(
        default="callhandler", pattern=TOPIC_PATTERN, description="The topic under which everything is published."
    )
    tls: bool = Field(default=False, strict=True, description="Whether to connect with TLS.")
    queue: Whole = Field(
        default=10_000,
        ge=10,
        description="Events kept while the broker is away; beyond it the oldest are dropped and counted.",
    )


class Trunk(Table):
    """A line to the outside, recognised by its address."""

    host: str = Field(
        pattern=NETWORK_PATTERN, description="The provider's address or network (CIDR) that calls come from."
    )
    port: Port = Field(
        default=5060, description="The provider's SIP port, for calls going out; mostly 5061 when encrypted."
    )
    encrypted: bool = Field(
        default=False,
        strict=True,
        description="Whether calls over it are SIP over TLS and SRTP, and nothing else. Needs [tls].",
    )
