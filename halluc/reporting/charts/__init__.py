"""Figures as inline SVG, each with a table of its numbers."""
