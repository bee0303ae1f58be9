"""What a shell would make of a place in a command."""

from __future__ import annotations


def in_single_quotes(command: str, position: int) -> bool:
    r"""Whether single quotes are open at this place of a shell command.

    >>> in_single_quotes("echo 'a ${{ x }}'", 8), in_single_quotes("echo \"it's ${{ x }}\"", 11)
    (True, False)
    """
    quote = ""
    escaped = False
    for index, mark in enumerate(command[:position]):
        if escaped:
            escaped = False
        elif quote == "'":
            quote = "" if mark == "'" else quote
        elif mark == "\\":
            escaped = True
        elif quote == '"':
            quote = "" if mark == '"' else quote
        elif mark in "'\"":
            quote = mark
        elif mark == "#" and (index == 0 or command[index - 1] in " \t\n;"):
            quote = "#"
        if quote == "#":
            quote = "" if mark == "\n" else quote
    return quote == "'"
