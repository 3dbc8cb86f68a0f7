"""Put the services in place on a hub, and take them away again: look, plan, perform."""
