"""The Korean catalogue: one module per page, the same keys and placeholders as the English one."""
