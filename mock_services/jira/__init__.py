"""A small Jira Cloud: REST API v3 and v2 as far as clients of issues, projects and searches need them."""
