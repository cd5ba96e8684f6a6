"""report.md and the model card."""
