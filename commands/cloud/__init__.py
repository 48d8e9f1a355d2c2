"""`./ventas cloud`: the command line of the deployment in Google Cloud and Confluent Cloud."""
