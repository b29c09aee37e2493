"""What to offer next: categories that a customer buys again, and those bought together, in SQL over order lines."""
