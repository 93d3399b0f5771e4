"""Contracts on compute compared over an ensemble of scenarios: members solved anew, tables, page, and the command."""
