"""The English catalogue: one module per page."""
