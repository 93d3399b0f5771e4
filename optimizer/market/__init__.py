"""Contracts on compute and rules for sharing the gains, evaluated on solved runs: compute futures do not trade yet."""
