"""Scripts full of quoting, with values in all places where one may stand."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

SHOW = "show() { printf '%s\\0' \"$@\"; }\n"


class Piece(NamedTuple):
    """Some lines of a script, and what they print."""

    lines: str
    printed: str = ""


# Each line means nothing, and would lead astray whoever misreads its quotes and brackets. They
# write below their own folder only: a line that is cut or changed must not reach a device's folder.
NOISE = tuple(
    Piece(lines)
    for lines in (
        ': "it\'s"',
        ": 'a \"b'",
        "# don't say \"it",
        ": $'it\\'s'",
        "x=${y:-'}'}",
        ': "${y:-a\\\'s}"',
        ': ${y:-"a } b"}',
        ': "${y#"\'"}"',
        ': "${y//\\\'/-}"',
        "cat <<'E' > noise\nit's \"\nE",
        'cat <<E > noise\nit\'s " $(echo "a \' b") \\`\nE',
        'cat <<-E > noise\n\tit\'s ${y:-"}"}\n\tE',
        "cat <<A <<'B' > noise\nit's\nA\n\"\nB",
        "case a in (a|b) : ;; c) : ;; esac",
        ': $(case x in x) echo ")";; esac)',
        ": \"$(case x in x) echo ')'\nesac)\"",
        ": $((1 << 2)) $(( (1 + 2) * 3 ))",
        "((1 < 2))",
        "(: ; (:)) # it's",
        "a=(1 2 '(' \")\")",
        ": \\' \\\" \\# a#b $# ${#y}",
        ': "`echo "x"`" `echo \\`echo y\\``',
        ': <(echo "\'") <<< "it\'s"',
        'f() { : "$1"; }; f "\'"',
        "for case in 1 2; do : ; done",
        "if : ; then case a in a) : ;; esac; fi",
        ': $"it\'s" "$" $ \'$\'',
        ": {a,b} ~ !x [[]",
    )
)

# A word of a script with a hole in it, and what it becomes.
_WORDS = (
    ("{hole}", "{value}"),
    ("x={hole}-", "x={value}-"),
    ('"a {hole}b"', "a {value}b"),
    ('a"{hole}"', "a{value}"),
    ("'a'{hole}'b'", "a{value}b"),
    ('"$(printf %s. a{hole})"b', "a{value}.b"),
    ('"$(printf %s. "a {hole}")"', "a {value}."),
    ('"$(case a in (b) : ;; a) printf %s. {hole};; esac)"', "{value}."),
    ('"$( (printf %s. "$(printf %s. {hole})") )"a', "{value}..a"),
    ('"$(cat <<E; printf .\na{hole} "\nE\n)"', 'a{value} "\n.'),
    ('"$(cat <<-E\n\t\t{hole}.\n\tE\n)"', "{value}."),
    ('${{z:-x}}"{hole}"', "x{value}"),
    ('"${{z:-$(printf %s. {hole})}}"', "{value}."),
    ("$((1 + 1)){hole}", "2{value}"),
)


@st.composite
def probes(draw: st.DrawFn, values: st.SearchStrategy[str]) -> Piece:
    """A word that holds a value, given as a literal of SQL, and is printed with a NUL behind it."""
    value = draw(values)
    word, becomes = draw(st.sampled_from(_WORDS))
    literal = value.replace("'", "''")
    hole = f"${{{{ '{literal}' }}}}"
    return Piece("show " + word.format(hole=hole), becomes.format(value=value) + "\0")


def scripts(values: st.SearchStrategy[str]) -> st.SearchStrategy[Piece]:
    """Whole scripts: probes among noise."""
    pieces = st.lists(st.one_of(st.sampled_from(NOISE), probes(values)), min_size=1, max_size=8)
    return pieces.map(
        lambda chosen: Piece(
            SHOW + "\n".join(piece.lines for piece in chosen),
            "".join(piece.printed for piece in chosen),
        )
    )
