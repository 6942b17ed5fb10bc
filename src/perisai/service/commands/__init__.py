"""The verbs of the command line, one concept a file."""
