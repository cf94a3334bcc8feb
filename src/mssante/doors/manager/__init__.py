"""The manager's publication point: white list and revocation lists over HTTPS."""
