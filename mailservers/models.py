"""No tables yet; Django sends post_migrate only to rooms that have this file."""
