"""The documents are held to the code: their blocks run, their names and links exist, their options are real."""
