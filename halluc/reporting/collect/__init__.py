"""Run directories as typed records."""
