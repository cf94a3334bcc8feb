"""Programs of others that the sandbox runs: started under a keeper, killed or stopped with all that they started."""
