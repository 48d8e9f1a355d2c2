"""What `./ventas cloud` knows and does in Google Cloud and Confluent Cloud."""
