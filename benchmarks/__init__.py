"""Measurements of what speed is claimed of."""
