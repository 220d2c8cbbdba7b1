"""The front of a room: one HTTPS origin for every page that people open, and the page that hands out its authority."""
