"""Solving a horizon window by window: what `computegrid solve` does where a scenario names `horizon.window_days`."""
