"""The white list file of the trust space: read, write, sign."""
