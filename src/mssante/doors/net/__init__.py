"""What every door on a socket stands on: the TLS layer in memory, who the peer is, steps that rarely wait."""
