"""Engagement: what passed between a brand and its customers, messages and visits alike, and what they consent to."""
