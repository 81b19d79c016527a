"""What tests of several folders need, and no tests."""
