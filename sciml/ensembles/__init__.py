"""Ensembles: samples of a problem drawn in fixed blocks, in memory or on disk, and their statistics."""
