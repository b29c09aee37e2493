"""Briefs that a person reads and decides on: the CRM brief and the plan for customer lifetime value, as Markdown.

What is known (facts.py) comes from a snapshot's summary (live.py) or from somebody's notes (reading.py, stated.py);
from there on there is one way: sections (crm.py, ltv.py), then Markdown (markdown.py). Nothing here sends anything.
"""
