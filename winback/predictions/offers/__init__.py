"""Which offer a customer gets, if any: expected uplift, the choice under a budget, exploration, and its record."""
