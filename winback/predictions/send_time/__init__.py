"""At which hour of the local week to write to a customer: what is asked of the model, and how an hour is chosen."""
