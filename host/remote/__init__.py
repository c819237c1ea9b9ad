"""Policies across the network: the frames on the wire, the keys, and the server in front of a device."""
