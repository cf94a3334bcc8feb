"""The SMTP doors: between operators, and submission."""
