"""How days and times are written, in each language; what is not named here is Django's own."""
