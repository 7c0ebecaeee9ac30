"""The commands `minigrad draw`, `explore` and `check`, and the versions that a report of a fault
opens with.

They put together what the other rooms offer. Come here to change the command line.
"""
