"""The local desk: pages on the loopback to browse runs, edit copies of scenarios, solve, watch and compare."""
