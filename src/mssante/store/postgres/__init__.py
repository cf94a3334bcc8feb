"""The store on PostgreSQL: the same functions and queries as on the embedded engine, several nodes on one database."""
