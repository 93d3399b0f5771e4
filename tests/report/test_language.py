"""Chinese on the page is marked as Chinese, once, and nowhere that an element cannot stand."""

from __future__ import annotations

import pytest

from optimizer.report.language import mark_chinese

ZH = '<span lang="zh-Hans">'


@pytest.mark.parametrize(
    ("page", "marked"),
    [
        ("<p>成本 Cost</p>", f"<p>{ZH}成本</span> Cost</p>"),
        ("<p>plan, 电价（分时）, end</p>", f"<p>plan, {ZH}电价（分时）</span>, end</p>"),
        (f"<h2>{ZH}流向</span> Flows</h2>", f"<h2>{ZH}流向</span> Flows</h2>"),
        ("<title>算力 compute</title>", "<title>算力 compute</title>"),
        ("<option>全部 all</option><b>全部</b>", f"<option>全部 all</option><b>{ZH}全部</span></b>"),
        ('<p aria-label="图例 > legend">图例</p>', f'<p aria-label="图例 > legend">{ZH}图例</span></p>'),
        ("<script>if (1<2) x='算力'</script><i>算</i>", f"<script>if (1<2) x='算力'</script><i>{ZH}算</span></i>"),
        ("no words", "no words"),
    ],
)
def test_marks(page: str, marked: str) -> None:
    assert mark_chinese(page) == marked
    assert mark_chinese(marked) == marked
