"""Reports of runs: run directories are collected into typed records, from which pages, charts and tables are made."""
