"""OpenID Connect as Pro Santé Connect speaks it, without I/O: people, clients, claims, signed tokens, errors."""
