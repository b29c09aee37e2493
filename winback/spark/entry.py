"""What EMR Serverless starts: `entry.py REQUEST`, beside the unpacked package (infra/constructs/spark_job.py)."""

import sys

if __name__ == "__main__":
    sys.path.insert(0, "job")
    from winback.spark.job import main

    main(sys.argv[1])
