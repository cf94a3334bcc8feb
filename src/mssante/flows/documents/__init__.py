"""Health documents on their way: opened and checked when they come, put together when they go."""
