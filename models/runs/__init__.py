"""The run folder of a training, and what it must keep to go on."""
