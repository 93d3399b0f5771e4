"""What if: demand, weather, prices, policy and horizon laid over the facts, as a `Case` for the optimizer."""
