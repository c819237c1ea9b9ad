"""What a folded layer takes, before synthesis: resources and cycles."""
