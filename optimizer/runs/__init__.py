"""Runs on disk: immutable, complete or not there at all."""
