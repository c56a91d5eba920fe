"""Messages brought into order, and exchanges on their way."""
