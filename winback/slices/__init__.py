"""Slices: recipes of segments, overlays and own conditions; whom they name, what a campaign might return."""
