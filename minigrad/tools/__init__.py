"""Define the commands `minigrad draw`, `explore` and `check`, and the function `show_versions`."""
