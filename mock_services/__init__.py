"""Stand-ins for the Jira and GitHub that a company would have. They import nothing of ours.

Whatever they hold lives in memory, per process: what is created stays until the process ends,
and every start begins from the same seed.
"""
