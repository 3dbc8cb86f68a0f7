"""Install the services on a hub and uninstall them: inspect, plan, apply."""
