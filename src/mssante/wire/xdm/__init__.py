"""IHE XDM archives (IHE_XDM.zip): read those of others with nothing trusted, build ours."""
