"""What runs say, for people: run directories are collected into typed records, and drawn and written from these."""
