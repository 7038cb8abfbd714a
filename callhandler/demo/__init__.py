"""`callhandler demo`: a telephone system at work, driven by SIPp, and its journal held against what the SIP side saw."""
