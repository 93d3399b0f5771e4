"""Exit codes of every command; 0 is solved to the gap."""

from __future__ import annotations

EXIT_FAULT = 1
"""Our own fault, or no answer in the time given."""
EXIT_INPUT = 2
EXIT_GAP = 3
"""A feasible plan whose gap was not reached."""
EXIT_INFEASIBLE = 4
