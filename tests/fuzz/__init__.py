"""What is fuzzed, with which expectations, and the inputs that are kept."""
