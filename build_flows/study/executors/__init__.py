"""Where the jobs of a study are done: processes of this machine, or a Ray cluster."""
