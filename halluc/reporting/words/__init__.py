"""Interpretation of figures in plain sentences, which claim no more than their intervals support."""
