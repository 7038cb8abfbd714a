"""What people read: tables and sentences made from views and records."""
