"""The Streamlit front end: sign-in routes, pages, and the trace of how an identity becomes a credential."""
