"""Policy: facts in, decision out; pure functions only."""
