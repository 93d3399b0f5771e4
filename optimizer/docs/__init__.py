"""Pages of docs/ that are printed from the code and the facts: run `python -m optimizer.docs` after a change."""
