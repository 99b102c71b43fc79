"""All that is known of one thing, with the reasons for what is not known."""
