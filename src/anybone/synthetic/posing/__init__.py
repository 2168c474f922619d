"""Bodies put together and bent: leg, arm and trunk."""
