"""The HTTPS door where mail programs find their settings."""
