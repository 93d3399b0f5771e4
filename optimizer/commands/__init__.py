"""The commands beside `solve`: each reads a scenario or a run and prints, keeps or draws what it was asked for."""
