"""One folder for each lesson."""
