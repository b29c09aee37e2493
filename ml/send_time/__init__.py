"""Send time: at which hours of the local week each customer acts."""
