"""The command line: flags, exit codes, and everything that a person sees."""
