"""The sandbox identity provider over HTTPS: the addresses of Pro Santé Connect, and two small pages."""
