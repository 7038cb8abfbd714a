"""Listeners such as MQTT, with bounded queues that can neither delay nor break a call."""
