"""What a run says at its end: counted once, written as text or JSON, one writer a file."""
