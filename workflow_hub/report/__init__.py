"""What a run says at its end: counted once, one value, written in many formats, one writer a file."""
