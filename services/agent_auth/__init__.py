"""The agents' auth server: a certificate in, a scoped token bound to it out (RFC 6749 §4.4, RFC 8705)."""
