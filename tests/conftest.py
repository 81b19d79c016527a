"""What holds for all tests."""

import signal

# A job in the background of a script starts with Ctrl-C ignored, and so would the processes that
# tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
