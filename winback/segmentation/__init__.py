"""The rule track: 13 segments in 5 families, the playbook grid, and what a snapshot of them adds up to."""
