"""What Python source says without running it: files, symbols, facts, and how text is spliced in."""
