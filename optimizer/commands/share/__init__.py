"""Sharing the gain of joint dispatch: coalition optima, rules side by side, and the finances of clusters."""
