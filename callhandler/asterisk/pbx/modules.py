"""Which of Asterisk's modules are loaded, and why: a chosen list starts faster, uses less memory and has less to attack.

The order is the order of loading. `bridge_native_rtp` is left out on purpose: with it, what is played into a conversation
isn't heard while its two sides exchange audio directly.
"""

from pathlib import Path

MODULES: dict[str, tuple[str, ...]] = {
    "SIP": (
        "res_pjproject", "res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb", "res_sorcery_memory_cache", "res_pjsip",
        "res_pjsip_session", "res_pjsip_sdp_rtp", "res_pjsip_registrar", "res_pjsip_authenticator_digest",
        "res_pjsip_outbound_authenticator_digest", "res_pjsip_outbound_registration", "res_pjsip_endpoint_identifier_ip",
        "res_pjsip_endpoint_identifier_user", "res_pjsip_caller_id", "res_pjsip_diversion", "res_pjsip_rfc3326", "res_pjsip_nat",
        "res_pjsip_dtmf_info", "res_pjsip_empty_info", "res_pjsip_dlg_options", "res_pjsip_pubsub", "res_pjsip_refer",
        "res_pjsip_header_funcs", "res_pjsip_acl", "res_pjsip_path", "res_pjsip_logger", "res_pjsip_messaging", "chan_pjsip",
    ),
    "audio and clocks": (
        "res_rtp_asterisk", "res_srtp", "res_timing_timerfd", "res_timing_pthread", "codec_ulaw", "codec_alaw", "codec_a_mu",
        "codec_resample", "codec_gsm", "format_wav", "format_pcm", "format_sln", "format_gsm", "res_musiconhold",
    ),
    "conversations": (
        "bridge_simple", "bridge_softmix", "bridge_holding", "bridge_builtin_features", "bridge_builtin_interval_features",
        "chan_bridge_media",
    ),
    # res_agi needs symbols of res_speech; loaded the other way round it fails.
    "the daemon": ("res_speech", "res_agi", "res_manager_devicestate", "res_security_log"),
    "the dialplan": (
        "pbx_config", "app_dial", "app_playback", "app_record", "app_amd", "app_waitforsilence", "app_stack", "app_chanspy",
        "func_callerid", "func_channel", "func_devstate", "func_lock", "func_logic", "func_strings", "func_timeout", "func_version",
    ),
}  # fmt: skip

LISTED = frozenset(name for names in MODULES.values() for name in names)


def present(folder: Path) -> dict[str, list[str]]:
    """The modules of the list that an Asterisk has, by purpose: older ones lack some that newer ones need."""
    return {purpose: [name for name in names if (folder / f"{name}.so").exists()] for purpose, names in MODULES.items()}


def missing(folder: Path) -> frozenset[str]:
    """The modules of the list that an Asterisk hasn't."""
    there = {name for names in present(folder).values() for name in names}
    return LISTED - there
