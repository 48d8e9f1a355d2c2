"""The actions of `./ventas cloud` in Google Cloud and Confluent Cloud."""
