"""The churn model: how likely is it that a customer buys nothing in the next 91 days?"""
