"""What a paper needs of a report: tables for LaTeX, and every figure as a row for other programs."""
