"""Open place and route: ECP5 for an estimate of the clock, openXC7 for a bitstream."""
