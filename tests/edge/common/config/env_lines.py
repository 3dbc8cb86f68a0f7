"""Lines of env files and the values that systemd reads from them, many of them from the troubles of other projects' users."""

from __future__ import annotations

from typing import Final

from edge.common.config.env_parser import LineCause

READ: Final[dict[str, tuple[bytes, dict[str, str]]]] = {
    "plain": (b"A=x\n", {"A": "x"}),
    "backslash without quotes": (rb"A=pa\ss", {"A": "pass"}),
    "backslash in single quotes": (rb"A='pa\ss'", {"A": r"pa\ss"}),
    "backslash in double quotes": (rb'A="pa\ss\\\"\$"', {"A": r'pa\ss\"$'}),
    "line ends of Windows": (b"A=x\r\nB='y'\r\n", {"A": "x", "B": "y"}),
    "trailing blanks": (b"A=x  \t\nB='y'  \n", {"A": "x", "B": "y"}),
    "leading blanks": (b"  A=x\n\tB=  y\n", {"A": "x", "B": "y"}),
    "blanks around the equals sign": (b"POSTGRES_DB = x\n", {"POSTGRES_DB": "x"}),
    "number sign after quotes": (b'A="secret" # club\n', {"A": "secret# club"}),
    "number sign in a value": (b"A=#x\nB=x # y\n", {"A": "#x", "B": "x # y"}),
    "quotes side by side": (b"A='a''b'\nB='x y'\"z\" w\n", {"A": "ab", "B": "x yzw"}),
    "quote inside a value": (b"A=a'b\nB=a\"b\n", {"A": "a'b", "B": 'a"b'}),
    "quotes as a shell joins them": (b"A='it'\\''s'\n", {"A": "it''s'"}),
    "continued line": (b"A=x\\\nB=y\n", {"A": "xB=y"}),
    "continued line of Windows": (b"A=x\\\r\nB=y\r\n", {"A": "x", "B": "y"}),
    "backslash at the end": (b"A=x\\", {"A": "x"}),
    "blank before a continuation": (b"A=1  \\\n\nB=2", {"A": "1  ", "B": "2"}),
    "several lines in quotes": (b"A='x\ny'\nB=\"x\\\ny\"\n", {"A": "x\ny", "B": "xy"}),
    "carriage return in quotes": (b"A='x\ry'\nB=\"x\\\r\ny\"\n", {"A": "x\ry", "B": "x\\\r\ny"}),
    "umlauts": ("A=ü\nB= ąęół śćńźżµ \n".encode(), {"A": "ü", "B": "ąęół śćńźżµ"}),
    "no-break space": ("A=\u00a0x\u00a0\n".encode(), {"A": "\u00a0x\u00a0"}),
    "control characters": (b"A=a\x1bb\tc\x7f\nB=\x0bx\x0c\n", {"A": "a\x1bb\tc\x7f", "B": "\x0bx\x0c"}),
    "nothing is expanded": (b"A=$HOME\nB=\"$HOME\"\nC='$HOME'\nD=%n%%i\n", {"A": "$HOME", "B": "$HOME", "C": "$HOME", "D": "%n%%i"}),
    "assigned twice": (b"A=x\nA=y\n", {"A": "y"}),
    "comments": (b'# Made\n\n;x=1\n  # y=2\nM="core f7"\nN=core # kept\n', {"M": "core f7", "N": "core # kept"}),
    "Latin-1 in a comment": (b"# f\xfcr den Club\nA=x\n", {"A": "x"}),
    "empty values": (b"A=\nB=''\nC=", {"A": "", "B": "", "C": ""}),
    "escapes": (
        b"A=\\ \\n \\t \\x \\y \\' \nB= \\$'                   \nC= ' \\n\\t\\$\\`\\\\\n'   \nD= \" \\n\\t\\$\\`\\\\\n\"   \n",
        {"A": " n t x y '", "B": "$'", "C": " \\n\\t\\$\\`\\\\\n", "D": " \\n\\t$`\\\n"},
    ),
}  # fmt: skip
"""Bytes, and the values that both systemd and this project read."""

REFUSED: Final[dict[str, tuple[bytes, int, LineCause]]] = {
    "Latin-1": (b"A=x\nB=\xfc\n", 2, LineCause.NOT_TEXT),
    "Latin-1 in quotes over lines": (b"A=x\nB='y\n\xfc'\n", 3, LineCause.NOT_TEXT),
    "surrogate": (b"A=x\nB=\xed\xa0\x80\n", 2, LineCause.NOT_TEXT),
    "noncharacter": ("A=x\n\nB=\ufffe\n".encode(), 3, LineCause.NOT_TEXT),
    "NUL": (b"A=x\nB=a\0b\n", 2, LineCause.NOT_TEXT),
    "NUL in a comment": (b"A=x\n# \0\n", 2, LineCause.NOT_TEXT),
    "UTF-16": ("A=x\n".encode("utf-16"), 1, LineCause.NOT_TEXT),
    "byte order mark": (b"\xef\xbb\xbfA=x\n", 1, LineCause.BYTE_ORDER_MARK),
    "no assignment": (b"A=x\nPOSTGRES\n", 2, LineCause.NO_ASSIGNMENT),
    "export": (b"A=x\nexport B=y\n", 2, LineCause.NO_ASSIGNMENT),
    "digit first": (b"1A=x\n", 1, LineCause.NO_ASSIGNMENT),
    "without a name": (b"=x\n", 1, LineCause.NO_ASSIGNMENT),
    "hyphen in a name": (b"A-B=x\n", 1, LineCause.NO_ASSIGNMENT),
    "open quote": (b'A="x\nB=y\n', 1, LineCause.OPEN_QUOTE),
    "open single quote": (b"A=x\nB='y\n", 2, LineCause.OPEN_QUOTE),
    "comment with a backslash": (b"# in C:\\\nA=x\n", 1, LineCause.CONTINUED_COMMENT),
}
"""Bytes, and the line that is refused: systemd ignores it or the file, its versions differ, or it swallows later lines."""
