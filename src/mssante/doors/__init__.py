"""The shells: sockets and pages that translate, call a flow, translate back."""
