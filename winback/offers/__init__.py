"""Offers: what a customer may be given, what it can cost, and the codes that stand for it."""
