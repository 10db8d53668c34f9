"""Building: plan, shards, resume, engines."""
