"""Cells of a study in processes of their own: on this machine, on a SLURM cluster, on a Ray cluster.

A process is told which cell of which config to run; what it makes is the run directory of the cell.
"""
