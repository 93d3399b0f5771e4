"""Chinese words on an English page, marked as such for the voice that reads it and the browser that picks fonts."""

from __future__ import annotations

import re

_TAG = re.compile(r"(<(?:script|style)\b.*?</(?:script|style)>|<(?:[^<>\"]|\"[^\"]*\")+>)", re.DOTALL)
"""A tag; a script or a style sheet is taken whole."""
_HAN = re.compile(r"[\u3400-\u9fff][\u3000-\u303f\u3400-\u9fff\uff00-\uffef]*")
_PLAIN = ("title", "option")
"""Elements that hold text only: no element can stand in them."""


def mark_chinese(page: str) -> str:
    """The page with every run of Chinese characters in a `<span lang="zh-Hans">`, but for those that stand in one."""
    marked, closing = [], ""
    for i, part in enumerate(_TAG.split(page)):
        if i % 2:  # a tag, and what goes with it
            closing = _state(part, closing)
            marked.append(part)
        else:
            marked.append(part if closing else _HAN.sub(_span, part))
    return "".join(marked)


def _state(tag: str, closing: str) -> str:
    """The tag that ends what must be left as it is; blank outside of that."""
    if closing:
        return "" if tag == closing else closing
    name = re.match(r"<(\w+)", tag)
    if name and (name[1] in _PLAIN or 'lang="zh-Hans"' in tag):
        return f"</{name[1]}>"
    return ""


def _span(words: re.Match[str]) -> str:
    return f'<span lang="zh-Hans">{words[0]}</span>'
