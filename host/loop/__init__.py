"""The closed loop: an environment against a device."""
