"""The engine: compile the model to arrays, solve it with HiGHS, verify, and read the solution back."""
