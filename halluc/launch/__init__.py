"""Runs the cells of a study in separate processes: on this machine, on a SLURM cluster, on a Ray cluster.

A process gets a config and the cell to run; its result is the run directory of the cell.
"""
