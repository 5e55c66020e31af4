"""The daily consistency report of the aliases."""
