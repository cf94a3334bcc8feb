"""What reaches out: SMTP to other operators, white list, revocation lists, DNS."""
