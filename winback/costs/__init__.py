"""What sending costs: a dated table of list prices, calls counted on a run of the engine, and the bills they make."""
