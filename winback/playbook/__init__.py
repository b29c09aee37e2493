"""The playbook: what to do about each cell of the grid and each purchase behaviour, and whom it concerns."""
