"""Scores from model endpoints: what is asked, what is believed of the answer, and what holds when there is none."""
