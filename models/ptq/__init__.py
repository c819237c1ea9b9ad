"""Post-training quantisation, and the analysis of what it costs."""
