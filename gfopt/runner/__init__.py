"""Experiment -> records: plan the runs, train those that are due, write each one's folder."""
