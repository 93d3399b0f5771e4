"""The rolled horizon: windows solved one after the other, every state and budget carried, and a certified bound."""
