"""Measurements, as ratios taken side by side in one run: times of different runs or machines say nothing here."""
