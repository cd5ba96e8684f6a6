"""Figures as inline SVG, with the numbers beside."""
