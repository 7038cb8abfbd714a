"""A caller on the line over FastAGI: implements scripts.caller.Caller.

Must not know what is said or why, nor queues and agents. Keys are never logged: they can be PINs.
"""

import contextlib
from collections.abc import Callable, Iterator

import structlog

from callhandler.asterisk import quoting, wire
from callhandler.asterisk.agi_session import AgiSession
from callhandler.asterisk.agi_text import AgiReply
from callhandler.asterisk.pieces import Piece, pieces
from callhandler.errors import CallerGone
from callhandler.scripts.caller import ANY_KEY, Clock, Number, Prompt, Recorded, Recording, Sound, Spoken

log = structlog.get_logger(__name__)
Sounds = Callable[[str, str], str]
"""A prompt's id and a language code to the path of its sound file, without extension."""

Recordings = Callable[[str], str]
"""A recording's name to the path of its sound file, without extension."""

DIGITS = "0123456789"
END = "#"
"""The key that ends what is keyed in: GET DATA knows no other (main/app.c)."""
LONGEST_PROMPT = 900.0
BEEP = "beep"
_NOTHING = AgiReply(200, 0)


class AgiCaller:
    """One caller. `zone` is the IANA time zone that times are spoken in."""

    def __init__(
        self,
        session: AgiSession,
        sounds: Sounds,
        language: str,
        zone: str,
        recordings: Recordings = str,
    ) -> None:
        self._session = session
        self._sounds = sounds
        self._recordings = recordings
        self._language = language
        self._zone = zone
        self._spoken = session.env.language  # what Asterisk's own sounds are in
        self._answered = False
        self._music: str | None = None
        self._music_stopped = False
        self._spoke_until: float | None = None
        self._cut: bool | None = None  # None: no verb that can be cut is under way

    @property
    def language(self) -> str:
        """The language code prompts are spoken in."""
        return self._language

    @property
    def silent_for(self) -> float | None:
        """Seconds since the last word of the last `say` ended; None when nothing of it was played."""
        return None if self._spoke_until is None else self._time() - self._spoke_until

    async def answer(self) -> None:
        """Answer the channel and speak the caller's language. Later calls do nothing."""
        if self._answered:
            return
        await self._do(wire.AGI_ANSWER)
        self._answered = True
        await self.speak_language(self._language)

    async def speak_language(self, code: str) -> None:
        """Speak in another language from now on; Asterisk's own sounds too."""
        if code != self._spoken:
            await self._do(wire.AGI_SET_VARIABLE, wire.CHANNEL_LANGUAGE, code)
        self._language = self._spoken = code

    async def say(self, *spoken: Spoken, keys: str = "") -> str | None:
        """Say all of `spoken` in turn; a key out of `keys` cuts it short and is returned, else None. Music resumes."""
        with self._cuttable():
            key = await self._say(pieces(spoken), keys)
        await self._resume_music()
        return key

    async def key(self, seconds: float, keys: str = ANY_KEY) -> str | None:
        """Wait for a key out of `keys` for at most `seconds`; None when none came or `cut` was called."""
        with self._cuttable():
            return await self._wait_for_key(seconds, keys)

    async def ask(self, *spoken: Spoken, seconds: float) -> str | None:
        """Say all of `spoken` and wait for any key for at most `seconds`; None when none came or `cut` was called."""
        with self._cuttable():
            return await self._gather(spoken, 1, seconds, ANY_KEY) or None

    async def digits(self, *spoken: Spoken, most: int, seconds: float) -> str | None:
        """Say `spoken` and gather up to `most` digits, `seconds` between two; END ends early.

        None when nothing was pressed. Asterisk doesn't tell what was keyed in before a cut.
        """
        with self._cuttable():
            keyed = await self._gather(spoken, most, seconds, DIGITS + END)
        return keyed.removesuffix(END) if keyed else None

    async def music(self, name: str | None) -> None:
        """Play the music class `name` from now on; None stops it."""
        if name is None:
            if self._music is not None:
                await self._do(wire.AGI_SET_MUSIC, "OFF")
        elif name != self._music or self._music_stopped:
            await self._do(wire.AGI_SET_MUSIC, "ON", name)
        self._music, self._music_stopped = name, False

    async def record(self, name: str, *, most: float, silence: float) -> Recorded:
        """Beep and record until a key, `silence` or `most` seconds. FastAGI can't cut a recording, so `cut` doesn't.

        The beep is a command of its own, so that the recording's length is that of its command: RECORD FILE tells none at a hang-up.
        """
        path = self._recordings(name)
        self._music_stopped = True
        await self._play(BEEP, "")
        now = self._session.gone.get_loop().time
        began = now()
        limits = str(round(most * 1_000)), f"s={max(1, round(silence))}"
        try:
            answer = await self._session.command(
                wire.AGI_RECORD_FILE, path, "wav", ANY_KEY, *limits, deadline=most + silence + 10.0
            )
        except CallerGone:
            return Recorded(now() - began, gone=True)
        lasted = now() - began
        if answer.result == -1:
            return Recorded(lasted, gone=True)
        if not answer.good:
            log.error("Asterisk did not record", code=answer.code, call=self._session.env.uniqueid)
            return Recorded(0.0)
        if answer.key is None and lasted < most:  # silence ended it; Asterisk takes all but a second of that away
            lasted = max(0.0, lasted - max(1, round(silence)) + 1.0)
        return Recorded(lasted, answer.key)

    async def leave(self, context: str, exten: str = "s") -> None:
        """Hand the channel to the dialplan at `context`,`exten`,1. The session is over then: the script must end too."""
        await self._do(wire.AGI_SET_CONTEXT, context)
        await self._do(wire.AGI_SET_EXTENSION, exten)
        await self._do(wire.AGI_SET_PRIORITY, "1")
        await self._done()
        self._session.end("the caller was handed to the dialplan")

    async def join(self, channel: str) -> None:
        """Be joined with another channel by the dialplan, as an answered offer is. The session is over then.

        Music stops first, whoever began it: a channel that bridges itself would go on hearing it over the other one's voice (heard).
        """
        await self._do(wire.AGI_SET_MUSIC, "OFF")
        await self._do(wire.AGI_SET_VARIABLE, wire.VARIABLE_CALLER, quoting.channel_name(channel))
        await self.leave(wire.CONTEXT_OFFER)

    async def hang_up(self) -> None:
        """Hang up in good order. The session is over then: the script must end too."""
        await self._done()
        await self._session.command(wire.AGI_HANG_UP)
        self._session.end("we hung up")

    def cut(self) -> None:
        """Cut short the `say`, `key`, `ask` or `digits` under way, which returns None. Does nothing when none is.

        Prompts, sounds, digits and letters end at once; a Number or a Clock is said to its end, which FastAGI can't change.
        """
        if self._cut is not None:
            self._cut = True
            self._session.cut()

    # --- inside ---

    @contextlib.contextmanager
    def _cuttable(self) -> Iterator[None]:
        self._cut = False
        try:
            yield
        finally:
            self._cut = None

    async def _say(self, spoken: list[Piece], keys: str) -> str | None:
        self._spoke_until = None
        for one in spoken:
            if self._cut:  # between two commands there was nothing to cut but this
                return None
            self._music_stopped = True  # playing a file ends the music
            answer = await self._speak(one, keys)
            if answer is not _NOTHING:
                self._spoke_until = self._time()
            if answer.key is not None and answer.key in keys:
                return answer.key
        return None

    async def _gather(self, spoken: tuple[Spoken, ...], most: int, seconds: float, keys: str) -> str:
        """Say `spoken` and gather up to `most` of `keys`, `seconds` between two; END is the last where it was pressed.

        The last sound and all keys are one command: Asterisk drops those pressed between two (run_agi in res/res_agi.c).
        """
        before, sound = pieces(spoken), ""
        if before and (sound := self._file(before[-1])):
            before.pop()
        key = await self._say(before, keys)
        if key is None:
            key = await self._keyed_in("", sound, most, seconds, keys)
        elif key != END:
            key = await self._keyed_in(key, "", most, seconds, keys)
        await self._resume_music()
        return key

    async def _keyed_in(self, keyed: str, sound: str, most: int, seconds: float, keys: str) -> str:
        """Gather keys to those `keyed` already, after `sound` if there is one. A key that isn't wanted ends the sound, and nothing else."""
        limit = str(max(1, round(seconds * 1_000)))
        self._music_stopped = True
        if not sound:
            await self._no_music()
        while len(keyed) < most and not self._cut:
            left = most - len(keyed)
            deadline = LONGEST_PROMPT + left * seconds + 10.0
            answer = await self._do(wire.AGI_GET_DATA, sound, limit, str(left), deadline=deadline)
            keyed += "".join(key for key in answer.keyed[:left] if key in keys)
            if answer is _NOTHING:
                if not sound:
                    break
                await self._no_music()
            elif answer.cut or answer.data == wire.DATA_TIMEOUT:
                break
            elif len(answer.keyed) < left:
                return keyed + END
            sound = ""  # it was said, or isn't there
        return keyed

    async def _no_music(self) -> None:
        """Stop music that no sound has ended, whoever began it: GET DATA would wait for the end of its file, not for `seconds` (seen)."""
        if self._spoke_until is None:
            await self._do(wire.AGI_SET_MUSIC, "OFF")

    async def _wait_for_key(self, seconds: float, keys: str) -> str | None:
        until = self._time() + seconds
        while (left := until - self._time()) > 0 and not self._cut:
            answer = await self._do(wire.AGI_WAIT_FOR_DIGIT, str(max(1, round(left * 1_000))), deadline=left + 10.0)
            if answer.key is None or answer.key in keys:
                return answer.key
        return None

    def _time(self) -> float:
        return self._session.gone.get_loop().time()

    async def _speak(self, spoken: Piece, keys: str) -> AgiReply:
        match spoken:
            case Prompt() | Sound() | Recording():
                return await self._play(self._file(spoken), keys)
            case Number(value=value):
                return await self._do(wire.AGI_SAY_NUMBER, str(value), keys, deadline=LONGEST_PROMPT)
            case Clock(at=at):
                style = "IMp" if self._language.startswith("en") else "kM"
                return await self._do(
                    wire.AGI_SAY_DATETIME, str(int(at)), keys, style, self._zone, deadline=LONGEST_PROMPT
                )

    def _file(self, spoken: Piece) -> str:
        """Return the path of what is one sound file, and nothing for what Asterisk puts together by itself."""
        match spoken:
            case Prompt(id=prompt):
                return self._sounds(prompt, self._language)
            case Sound(name=name):
                return name
            case Recording(name=name):
                return self._recordings(name)
            case _:
                return ""

    async def _play(self, path: str, keys: str) -> AgiReply:
        return await self._do(wire.AGI_STREAM_FILE, path, keys, deadline=LONGEST_PROMPT)

    async def _resume_music(self) -> None:
        if self._music is not None and self._music_stopped:
            await self.music(self._music)

    async def _done(self) -> None:
        await self._do(wire.AGI_SET_VARIABLE, wire.VARIABLE_DONE, "1")

    async def _do(self, name: str, *args: str, deadline: float = 10.0) -> AgiReply:
        answer = await self._session.command(name, *args, deadline=deadline)
        if answer.good:
            return answer
        # -1 is a hang-up, or a sound that isn't there. Asking tells: a session of a channel that hung up answers HANGUP or 511.
        waited = name == wire.AGI_WAIT_FOR_DIGIT  # no sound: nothing to ask
        if answer.result == -1 and (waited or not (await self._session.command(wire.AGI_CHANNEL_STATUS)).good):
            raise CallerGone("the channel hung up")
        what = args[0] if name in (wire.AGI_STREAM_FILE, wire.AGI_GET_DATA) else ""
        log.error(
            "Asterisk did not do what a script said",
            command=name,
            sound=what,
            code=answer.code,
            call=self._session.env.uniqueid,
        )
        return _NOTHING
