"""The checks themselves, and what they are made of."""
