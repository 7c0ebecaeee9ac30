"""The lessons, each in its own folder."""
