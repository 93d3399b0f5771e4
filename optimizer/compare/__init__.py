"""Stored runs side by side: what went in differently first, then what came out, and which of it the gaps leave open.

`compare(runs)` in `comparison.py` is a pure function of runs on disk; `words.py`, `machine.py` and `page.py` say it as
text, as plain objects and as one offline page. Two equal runs give an empty comparison.
"""

from optimizer.compare.comparison import Comparison, Label, Pair, compare

__all__ = ["Comparison", "Label", "Pair", "compare"]
