"""The checks of `./ventas cloud doctor`, by what they look at."""
