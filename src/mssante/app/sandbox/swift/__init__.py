"""An object store that speaks S3 on this machine: OpenStack Swift, from Debian's packages."""
