"""The only place of the domain package that imports boto3: effects at the edge."""
