"""The business service: commands for agents and their results, behind scoped, bound, revocable tokens."""
