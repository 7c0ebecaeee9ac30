SLIPS = ()
