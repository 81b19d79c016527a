"""Hostile arguments, the calls that they are given to, and what has to hold after each."""
