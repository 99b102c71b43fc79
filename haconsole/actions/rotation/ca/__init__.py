"""CAs and service-account keys replaced: trusted beside the older ones, signing, alone; and the way back."""
