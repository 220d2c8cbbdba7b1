"""Starts, watches, provisions and stops every part of the demo on one machine. Run as ``python -m stack``."""
