"""What a caller's credential is, where it comes from, and how long it is kept."""
