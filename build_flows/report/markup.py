"""HTML that is safe by default: text is escaped unless it is already :class:`Html`."""
from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


class Html(str):
    """Text that is markup."""


def safe(value: object) -> Html:
    """``value`` as markup."""
    return value if isinstance(value, Html) else Html(html.escape(str(value), quote=True))


def join(parts: Iterable[object]) -> Html:
    """One piece of markup after the other."""
    return Html("\n".join(safe(part) for part in parts))


def tag(name: str, *children: object, **attributes: object) -> Html:
    """An element. ``class_`` stands for ``class``, other underscores for hyphens; None leaves an attribute out."""
    text = "".join(f' {key.rstrip("_").replace("_", "-")}="{safe(str(value))}"'
                   for key, value in attributes.items() if value is not None)
    return Html(f"<{name}{text}>{''.join(safe(child) for child in children)}</{name}>")


def code(text: str) -> Html:
    """A command or a name."""
    return tag("code", text)


def table(caption: str, columns: Sequence[str], align: str, rows: Iterable[Sequence[object]]) -> Html:
    """A table that scrolls by itself where it is too wide; the first column heads its rows.

    ``align`` has one letter a column: ``l`` for text, ``r`` for numbers.
    """
    kinds = [None if letter == "l" else "number" for letter in align]
    head = (tag("th", title, scope="col", class_=kind) for title, kind in zip(columns, kinds, strict=True))
    body = [tag("tr", tag("th", first, scope="row"),
                *(tag("td", cell, class_=kind) for cell, kind in zip(rest, kinds[1:], strict=True)))
            for first, *rest in rows]
    return tag("div", tag("table", tag("caption", caption), tag("thead", tag("tr", *head)), tag("tbody", *body)),
               class_="scroll", tabindex="0", role="region", aria_label=caption)


def bar(*parts: tuple[float, str]) -> Html:
    """A bar on a track of 100 %: parts (percent, class) in a row, cut at the end of the track. For the eye only."""
    left, pieces = 100.0, []
    for share, kind in parts:
        width = min(max(share, 0.0), left)
        left -= width
        pieces.append(tag("span", class_=kind, style=f"width:{width:.2f}%"))
    return tag("div", *pieces, class_="bar", aria_hidden="true")


def missing(what: str, command: str) -> Html:
    """The line that stands for a section without its input."""
    return tag("p", what, " not in this run yet: ", code(command), " makes it.", class_="missing")
