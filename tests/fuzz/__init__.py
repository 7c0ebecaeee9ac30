"""Properties of random programs, models, runs and files."""
