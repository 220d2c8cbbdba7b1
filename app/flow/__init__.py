"""The Authentication Flow Trace as things to draw: arrows, times, tokens, details. Knows no Streamlit."""
