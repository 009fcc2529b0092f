"""Python that parses and that no formatter would leave alone: from a fixed seed, always the same files."""

from __future__ import annotations

import codecs
import random
from pathlib import Path

# Each is Python indented by four spaces a level. NAME becomes a name of its own.
PIECES = (
    "def NAME(a): return a\n",
    "def NAME(a):pass\n",
    'def NAME(a): x = a; return x  # the end: """\n',
    "def NAME(a): \\\n    return a\n",
    "def NAME(a): return '''not\n  a docstring'''\n",
    "def NAME(): 'said in one line'\n",
    "def NAME(a): 'said in one line'; return a\n",
    "class NAME: x = 1; y = 2\n",
    "class NAME: pass\n",
    "class NAME: 'single'\n",
    "class NAME(object): x: int = 3 # : '\n",
    "class NAME:\n    ...\n",
    "class NAME(\n    dict, # )\n    metaclass=type\n"
    "):\n\n\n"
    "    # odd: comment\n\n    def inner(self, *, key='\\n'): return rf'\\{key}'\n",
    "class NAME:\n    def one(self): return 1\n    def two(self): return 2\n"
    "    class Deep:\n        class Deeper:\n            def three(self):\n"
    "                def four(x):\n                    return lambda: x\n"
    "                return four\n",
    "@staticmethod\n@(lambda f: f)  # def not(this): pass\n"
    "def NAME(a, b=lambda x: ':', c={':': \"'''\"}, *, d: 'str:\\'' = ':') -> \"a'b\":\n"
    "    return a, b, c, d\n",
    "def NAME(  # (\n    a,\n    b=(\n        1,\n    ),\n    # :\n):\n    return (\n  a\n    )\n",
    "def NAME(a, \\\n         b) \\\n        -> '#:':\n    return a\n",
    "def NAME(a):   \n\n# at the margin\n        # far in\n    return a\n",
    "def NAME(a):  # type: (int) -> int\n    return a\n",
    "def NAME(a):\n    b'no docstring'\n    return a\n",
    "def NAME(a):\n    f'no docstring {a!r:>{10}}'\n    return a\n",
    "def NAME(a):\n    'no docstring' + a\n    return a\n",
    "def NAME(a):\n    'no docstring'.join(a)\n    raise ValueError('''a\n'''f'{a}')\n",
    "def NAME(a):\n    ('in brackets')\n    return a\n",
    "def NAME(a):\n    'in ' \"pieces\"\n    return a\n",
    "def NAME(a):\n    (\n        'in brackets '\n        'and pieces'\n    )\n    return a\n",
    'def NAME(a):\n    """"""\n    return a\n',
    "def NAME(a):\n    '''   '''\n    return a\n",
    "def NAME(a):\n    r'''Raw \\d and \\\\.'''\n    return a\n",
    "def NAME(a):\n    u'''Unicode \\u00e9.'''\n    return a\n",
    "def NAME(a):\n    '''Goes on \\\n    here.'''\n    return a\n",
    'def NAME(a):\n    """Holds \\"\\"\\" and \'\'\' inside."""\n    return a\n',
    "def NAME(a):\n    '''Ends with a quote\"'''\n    return a\n",
    "def NAME(a):\n    'Ends with a backslash\\\\'\n    return a\n",
    'def NAME(a, b):\n    """Say it.\n\n    Args:\n        a: the first   \n    """\n    return a, b\n',
    "def NAME(a, b):\n    '''Say it.\n\n"
    "    Parameters\n    ----------\n    a : int\n"
    "        The first.\n\n    '''\n"
    "    yield a\n    yield b\n",
    "def NAME(a, b):\n    '''\n    Say it.\n"
    "\n    :param a: the first\n    :raises KeyError: never'''\n"
    "    if a: raise KeyError(b)\n    if b: raise OSError\n",
    'def NAME(a):\n        """Indented\n      in many\n            ways."""\n        return a\n',
    "async def NAME(*args, **kwargs):\n    async for a in args: yield a, kwargs\n",
    "async def NAME(a, /, b=1, *c, d, **e):\n    async with a as x, b as y: await x(y, c, d, e)\n",
    "def NAME(größe, naïve, 名='日本'):\n    return größe + naïve + 名  # ü\n",
    "def NAME(a):\n    match a:\n"
    "        case {'x': [1, *_]} if (y := a): raise LookupError(f\"{'{'}{y}\")\n"
    "        case _: return None\n",
    "def NAME(a):\n    try:\n        del a\n"
    "    except* (TypeError, ValueError):\n        raise\n    finally: pass\n",
    "def NAME(a):\n\n\n\n    \n    \n    return a\n    \n\n",
    "def NAME(a):\n    def inner(): return a\n    return inner\n",
    "def NAME(a):\n    @a\n    # between\n    def inner(): return a\n    return inner\n",
    "def NAME(a):\n    class Inner(a): x = a\n    return Inner\n",
    "def NAME(a):\n    if a: return 1; return 2\n    else: return 3\n",
    "def NAME(a):\n    a;\n    return a;\n",
    "if True:\n    def NAME(a): return a\nelse:\n    def NAME(a):\n        return -a\n",
    "try: import NAME_module\nexcept ImportError:\n    class NAME:\n"
    "        def __init__(self, a): self.a = a\n        @property\n"
    "        def b(self): return self.a\n        @b.setter\n"
    "        def b(self, value): self.a = value\n",
    "from typing import overload\n@overload\ndef NAME(a: int) -> int: ...\n"
    "@overload\ndef NAME(a: str) -> str: ...\ndef NAME(a): return a\n",
    "NAME = lambda a: (yield)\n",
    "NAME = f'''{\n    1:\n    >{3}}''' '''\ndef not_one(): pass\n'''\n",
    "\x0cdef NAME(a):\n    return a\n\x0c\n",
    "def NAME(a):\n    \x0c\n    return a\n",
    "class NAME:\n\n    '''Class.'''\n"
    "\n    def a(self):\n\n"
    "        '''Method.'''\n        return 'x' \\\n            'y'\n",
    "class NAME:\n    x = 1\n    'an attribute docstring'\n"
    "    def __eq__(self, other): return self is other\n"
    "    def _private(self): raise NotImplementedError\n",
)
HEADS = (
    "",
    "\n\n\n",
    "#!/usr/bin/env python3\n",
    "# a comment\n\n# another\n",
    "#!/usr/bin/python\n\n\x0c\nfrom __future__ import annotations\n",
    "from __future__ import annotations; import os\n",
    "'''A module.'''\n",
    '"""A module\n\nof some lines.\n"""; import os\n',
    "import os, sys; print; 1\n",
    "'no' + 'docstring'\n",
)
# (codec, what declares it, before the bytes)
ENCODINGS = (
    ("utf-8", "", b""),
    ("utf-8", "", b""),
    ("utf-8", "", codecs.BOM_UTF8),
    ("utf-8", "# -*- coding: utf-8 -*-\n", b""),
    ("latin-1", "# -*- coding: latin-1 -*-\n", b""),
    ("cp1252", "# vim: set fileencoding=cp1252 :\n", b""),
    ("iso-8859-15", "#!/bin/python\n# coding=iso-8859-15\n", b""),
)
AROUND = ("", "", "", "class Around:\n", "if 1:\n", "def around():\n", "class A(\n  object):\n  # odd\n")
LINE_ENDS = ("\n", "\n", "\r\n", "\r\n", "\r")
UNITS = ("    ", "    ", "\t", "  ", " ")


def write_nasty_files(folder: Path, count: int, seed: int) -> None:
    """Write `count` files that Python compiles; from len(PIECES) on, every piece is in one of them."""
    chance = random.Random(seed)
    for number in range(count):
        (folder / f"nasty{number:03}.py").write_bytes(_file(number, chance))


def _file(number: int, chance: random.Random) -> bytes:
    codec, declared, before = chance.choice(ENCODINGS)
    text = declared + (chance.choice(HEADS) if not declared.startswith("#!") else "")
    for place in range(chance.randint(3, 9)):
        piece = chance.choice(PIECES) if place else PIECES[number % len(PIECES)]
        piece = piece.replace("NAME", f"{chance.choice('fgh_')}{number}_{place}")
        text += chance.choice(("", "\n", "\n\n\n", '# \u00e9: """ \'\n')) + _nested(piece, chance)
    if chance.random() < 0.3:
        text = text.rstrip("\n\f ;")
    text = _indented(text, chance.choice(UNITS)).replace("\n", chance.choice(LINE_ENDS))
    if codec != "utf-8":
        text = text.replace("名", "ñ").replace("日本", "ß")
    data = before + text.encode(codec)
    compile(data, f"nasty{number}", "exec", dont_inherit=True)
    return data


def _nested(piece: str, chance: random.Random) -> str:
    """The piece, or the piece inside of something."""
    around = chance.choice(AROUND)
    if not around or "from typing" in piece or "'''" in piece or '"""' in piece:
        return piece
    lines = piece.splitlines(keepends=True)
    return around + "".join(line if line.strip("\n\f ") == "" else _deeper(line) for line in lines)


def _deeper(line: str) -> str:
    return f"\x0c    {line[1:]}" if line.startswith("\x0c") else f"    {line}"


def _indented(text: str, unit: str) -> str:
    lines = []
    for line in text.split("\n"):
        feed = line[: line.startswith("\x0c")]
        bare = line.removeprefix(feed).lstrip(" ")
        depth, rest = divmod(len(line) - len(feed) - len(bare), 4)
        lines.append(feed + unit * depth + " " * rest + bare)
    return "\n".join(lines)
