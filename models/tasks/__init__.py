"""Tasks: environments, spaces, normalisation and the settings that train them."""
