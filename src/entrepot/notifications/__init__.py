"""What customers and operators are told: mails, templates, notifications in the dashboard."""
