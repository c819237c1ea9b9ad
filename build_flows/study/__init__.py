"""Studies: many trainings from one YAML file, each kept by the hash of its content, so that a killed study goes on."""
