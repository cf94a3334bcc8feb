"""The directory on PostgreSQL: one schema for each version, a pointer to the one in force."""
