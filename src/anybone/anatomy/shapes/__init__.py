"""Where the shapes of bones come from."""
