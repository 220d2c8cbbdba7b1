"""What both providers' OAuth 2.0 is made of: codes, rotating tokens, and the pages that a person sees."""
