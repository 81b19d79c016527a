"""What takes long, and is run by name: ``python tests/long/accuracy.py`` and others."""
