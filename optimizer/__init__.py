"""The optimizer: the model (blocks), the engine (solve), runs on disk, reports and the command line."""
