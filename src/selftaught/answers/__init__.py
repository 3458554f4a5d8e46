"""What is read from a reply, and the one spelling of equal answers: pure functions of text, linear in its length."""
