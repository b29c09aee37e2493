"""Exchange rates: files of them, and orders in several currencies made into the account's by the rate of their day."""
