"""Connection to PostgreSQL: roles, migrations, notifications and the event feed."""
