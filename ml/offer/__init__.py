"""The offer model: what does each offer change, for whom, and does choosing by customer beat one offer for all?"""
