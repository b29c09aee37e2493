"""Lifetime value: how many purchases a customer still makes, what each is worth, and how sure we are of both.

`purchases` and `spend` hold the two models, `fitting` finds their parameters, `value` predicts for customers,
`forecast` holds a fit against what happened. They need NumPy and SciPy, so nothing is imported here.
"""
