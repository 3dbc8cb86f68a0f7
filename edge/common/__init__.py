"""What every runtime module leans on: settings, database, listener, logs. Imports no runtime module."""
