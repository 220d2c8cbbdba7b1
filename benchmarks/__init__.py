"""What the project's promises about speed are worth: each a ratio, measured in one run, against the real servers."""
