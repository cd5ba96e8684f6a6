"""The attacks of ``benchmarks/attacks.py``: each group in a file, and the fork server that runs them."""
