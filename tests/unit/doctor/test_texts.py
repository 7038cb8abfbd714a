"""Asterisk's console and dialplan as text: what was printed by 22.10.1, and what is strange, cut short or empty."""

from pathlib import Path

import pytest

from callhandler.doctor import console_text
from callhandler.doctor.dialplan import differences, shown, written

FILE = """
[general]
static = yes
[other]
exten => s,1,Hangup()
; --- an offered phone was answered
[callhandler-offer] ; here
exten => s,1,GotoIf($["${CH_CALL}"="" | "${CH_CALLER}"=""]?late)
 same => n,Bridge(${CH_CALLER},F(callhandler-after^s^1)) ; joined
 same => n,Playback(a\\;b)
 ; a word
 same => n(late),Hangup(26)
exten => _X!,1,Set(A=${EXTEN})
 same => n,Ringing()
exten = *60,1,Answer
"""
SHOWN = """[ Context 'callhandler-offer' created by 'pbx_config' ]
  's' =>            1. GotoIf($["${CH_CALL}"="" | "${CH_CALLER}"=""]?late) [extensions.conf:135]
                    2. Bridge(${CH_CALLER},F(callhandler-after^s^1)) [extensions.conf:137]
                    3. Playback(a;b)                              [extensions.conf:138]
     [late]         4. Hangup(26)                                 [extensions.conf:140]
  '_X!' =>          1. Set(A=${EXTEN})                            [extensions.conf:141]
                    2. Ringing()                                  [extensions.conf:142]
  '*60' =>          1. Answer()                                   [extensions.conf:143]
  'mine' =>         1. NoOp()                                     [own.conf:1]
  'hinted' =>       hint: PJSIP/101                               [extensions.conf:150]
  Include =>        'parkedcalls'                                 [pbx_config]

-= 4 extensions (9 priorities) in 1 context. =-
"""
RINGING = "                    2. Ringing()                                  [extensions.conf:142]\n"


def test_the_same_dialplan_is_the_same() -> None:
    plan = written(FILE)
    assert set(plan) == {("callhandler-offer", name) for name in ("s", "_X!", "*60")}
    assert differences(plan, shown(SHOWN, ("extensions.conf",))) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("Hangup(26)", "Hangup(16)", ["callhandler-offer,s,4 differs"]),
        (RINGING, "", ["callhandler-offer,_X!,2 differs"]),
        (
            "'*60'",
            "'*61'",
            ["callhandler-offer,*60 is not loaded", "callhandler-offer,*61 is loaded and should not be"],
        ),
    ],
)
def test_what_differs_is_named(old: str, new: str, told: list[str]) -> None:
    assert differences(written(FILE), shown(SHOWN.replace(old, new), ("extensions.conf",))) == told


def test_a_context_that_is_not_there() -> None:
    assert (
        shown("There is no existence of 'callhandler-offer' context\nCommand 'dialplan show' failed.\n", ("x",)) == {}
    )


def test_versions() -> None:
    assert console_text.version("Asterisk 22.10.1+dfsg+~cs6 built by nobody @ host") == "22.10.1+dfsg+~cs6"
    assert console_text.version("Asterisk certified/20.7-cert5 built by") == "20.7-cert5"
    assert console_text.version("No such command") is None


def test_modules_with_strange_names_and_states() -> None:
    text = (
        "Module                         Description                              Use Count  Status      Support Level\n"
        "acl                            Named ACL system                         2          Running              core\n"
        "bridge_builtin_interval_features.so Built in bridging interval features      0          Running              core\n"
        "app_stack.so                   Dialplan subroutines (Gosub, Return, etc 0          Running              core\n"
        "res_x.so                       Declined                                 0          Not Running          core\n"
        "93 modules loaded\n"
    )
    assert console_text.modules(text) == {"acl", "bridge_builtin_interval_features", "app_stack"}
    assert console_text.modules("") is None


def test_contacts_music_fields_and_classes() -> None:
    contacts = (
        "\n  Contact:  <Aor/ContactUri..............................> <Hash....> <Status> <RTT(ms)..>\n"
        "====\n\n"
        "  Contact:  trunk-pstn/sip:127.0.0.1:38003                 e303bfcedd NonQual        -nan\n"
        "  Contact:  101/sip:101@192.0.2.7:5060;x-ast-orig-host=1   0123456789 Avail         3.123\n"
        "  Contact:  102/sip:102@192.0.2.8:5060                     0123456789 Unavail       0.000\n"
    )
    assert console_text.contacts(contacts) == {"trunk-pstn": "NonQual", "101": "Avail", "102": "Unavail"}
    assert console_text.contacts("No objects found.\n") == {}
    assert console_text.contacts("No such command 'pjsip show contacts'") is None
    music = "Class: default\n\tMode: files\n\tDirectory: /a b/c\nClass: radio\n\tMode: custom\n\tApplication: x\n"
    assert console_text.music(music) == {"default": Path("/a b/c"), "radio": None}
    assert console_text.music("") is None
    fields = console_text.fields("  TCP Bindaddress:           127.0.0.1:38001\n read perm: system,call\nDTMF::   80\n")
    assert fields == {"TCP Bindaddress": "127.0.0.1:38001", "read perm": "system,call", "DTMF": "80"}
    assert console_text.classes("<none>") == frozenset()
    assert console_text.classes("call,originate") == {"call", "originate"}
    assert console_text.uptime("System uptime: 21\nLast reload: 21\n") == 21.0
    assert console_text.uptime("") is None
