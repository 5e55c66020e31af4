"""What smtpd(8) answers in a session, and which rule decided: its restriction lists, walked in its own order."""
