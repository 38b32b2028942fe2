"""Toys: the smallest things that another package can add to danas-hil."""
