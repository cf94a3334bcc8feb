"""The use cases, where rules, store and the outside meet."""
