"""A small GitHub: the REST API as far as clients of repositories, issues and pull requests need it."""
