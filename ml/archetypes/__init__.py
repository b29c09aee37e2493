"""Archetypes: what clustering finds among an account's customers without any rule. It never reassigns anyone."""
