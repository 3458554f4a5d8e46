"""Files of scores that other tools wrote, and the verdict on two of them."""
