"""A PostgreSQL cluster with fail-over on this machine: Patroni nodes and etcd, from Debian's packages."""
