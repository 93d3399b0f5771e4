"""Sweeps: every member of an ensemble solved and stored once, by local processes or a Dask cluster."""
