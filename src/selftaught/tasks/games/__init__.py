"""Games as text: environments, and the source that deals them."""
