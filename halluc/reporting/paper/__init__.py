"""Output for papers: tables for LaTeX, and every figure as a row for other programs."""
