"""The commands `minigrad draw`, `explore` and `check`, and `show_versions` for bug reports."""
