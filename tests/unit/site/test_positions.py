"""The position finder against tomllib: the same keys, each on the line where it is written."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhandler.site.positions import KeyPath, Places, positions, written

TEXT = """\
# a comment with [brackets] and = signs
top = 1
"quoted key" = "a # no comment"   # a comment
dotted.inner.'third part' = [1, 2,
  3] # after

[table.inner]
text = \"\"\"
[not.a.table]
key = "no key" \\\"\"\" still inside
\"\"\"
literal = '''
[nor.this]'''
next = 2026-01-01 07:32:00
[table]
late = true
[[row]]
a = { x = 1, y = [ { z = "}" } ] }
[[row]]
a.b = 'c]'
[row.sub]
k = ''
[[row.deep]]
k = ""
[[row.deep]]
k = \"\"\"ends in quotes\"\"\"\"\"
last = 0
"""


def paths_of(value: object, path: KeyPath = ()) -> set[KeyPath]:
    found = {path}
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= paths_of(inner, (*path, key))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            found |= paths_of(inner, (*path, index))
    return found


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("quoted key",), 3),
        (("dotted", "inner", "third part"), 4),
        (("dotted", "inner", "third part", 2), 5),
        (("table",), 15),
        (("table", "inner", "literal"), 12),
        (("table", "inner", "next"), 14),
        (("row",), 17),
        (("row", 0, "a", "y", 0, "z"), 18),
        (("row", 1), 19),
        (("row", 1, "a", "b"), 20),
        (("row", 1, "sub", "k"), 22),
        (("row", 1, "deep", 1, "k"), 26),
        (("row", 1, "deep", 1, "last"), 27),
    ],
)
def test_a_key_is_found_where_it_is_written(path: KeyPath, line: int) -> None:
    assert positions(TEXT)[path] == line


def test_the_same_keys_as_tomllib_and_no_others() -> None:
    assert set(positions(TEXT)) == paths_of(tomllib.loads(TEXT))


def test_windows_line_ends_and_a_byte_order_mark_move_nothing() -> None:
    assert positions("\ufeff" + TEXT.replace("\n", "\r\n")) == positions(TEXT)


def test_a_missing_key_is_placed_at_the_table_around_it() -> None:
    places = Places("site.toml", positions(TEXT))
    assert places.line(("row", 1, "deep", 0, "missing", "more")) == 23
    assert places.line(("nowhere",)) == 1


def test_a_path_is_written_as_one_would_write_it() -> None:
    assert written(("queues", "sales", "steps", 0, "wants")) == "queues.sales.steps[0].wants"
    assert written(("numbers", "+49\n", "enters")) == 'numbers."+49\\u000a".enters'
    assert len(written(("k" * 10_000,))) == 60
    assert written(()) == "the file"


class Writer:
    """Writes random TOML in random styles; every key has a name of its own, so where it stands is easily found."""

    def __init__(self, data: st.DataObject) -> None:
        self.data, self.count, self.lines, self.keys = data, 0, [], {}

    def key(self) -> tuple[str, str]:
        self.count += 1
        name = self.data.draw(st.sampled_from(["key{}", "key {}", "'k{}", 'k"{}', "k.{}", "ß{}"])).format(self.count)
        quoted = '"' + name.replace('"', '\\"') + '"'
        return name, name if name == f"key{self.count}" else quoted

    def scalar(self) -> str:
        return self.data.draw(
            st.sampled_from(
                [
                    "1",
                    "-1.5e3",
                    "true",
                    "1979-05-27 07:32:00",
                    '"# ]},"',
                    "'[a]'",
                    '"\\"\\\\"',
                    '"""a\n[b]\n""""',
                    "'''\n=\n'''",
                ]
            )
        )

    def value(self, path: KeyPath, line: int, depth: int) -> str:
        kind = self.data.draw(st.sampled_from(["scalar", "scalar", "array", "inline"] if depth < 3 else ["scalar"]))
        if kind == "scalar":
            return self.scalar()
        text = "[" if kind == "array" else "{ "
        for index in range(self.data.draw(st.integers(0, 3))):
            text += ", " if index else ""
            if kind == "array":
                text += self.data.draw(st.sampled_from(["", "\n", " # ], no\n"]))
                here = line + text.count("\n")
                self.keys[(*path, index)] = here
                text += self.value((*path, index), here, depth + 1)
            else:
                name, shown = self.key()
                here = line + text.count("\n")
                self.keys[(*path, name)] = here
                text += f"{shown} = " + self.value((*path, name), here, depth + 1)
        return (
            text
            + (self.data.draw(st.sampled_from(["", ",\n"])) if kind == "array" and text != "[" else "")
            + ("]" if kind == "array" else " }")
        )

    def here(self) -> int:
        return sum(text.count("\n") + 1 for text in self.lines) + 1

    def pairs(self, table: KeyPath) -> None:
        for _ in range(self.data.draw(st.integers(0, 3))):
            names = [self.key() for _ in range(self.data.draw(st.integers(1, 3)))]
            line, path = self.here(), table
            for name, _shown in names:
                path = (*path, name)
                self.keys[path] = line
            self.lines.append(" . ".join(shown for _, shown in names) + " = " + self.value(path, line, 0) + " # end")

    def document(self) -> str:
        self.pairs(())
        for _ in range(self.data.draw(st.integers(0, 3))):
            name, shown = self.key()
            for index in range(self.data.draw(st.integers(1, 2))):
                array = index or self.data.draw(st.booleans())
                path = (name, index) if array else (name,)
                self.keys.setdefault((name,), self.here())
                self.keys[path] = self.here()
                self.lines.append(f"[[ {shown} ]]" if array else f"[{shown}]\t# table")
                self.pairs(path)
                sub, sub_shown = self.key()
                self.keys[(*path, sub)] = self.here()
                self.lines.append(f"[{shown}.{sub_shown}]")
                self.pairs((*path, sub))
                if not array:
                    break
        return "\n".join(self.lines) + "\n"


@given(st.data())
def test_any_text_is_found_as_tomllib_reads_it(data: st.DataObject) -> None:
    writer = Writer(data)
    text = writer.document()
    found = positions(text)
    assert set(found) == paths_of(tomllib.loads(text))
    assert {path: line for path, line in found.items() if path} == writer.keys
