"""The mock chatbot: what a company's chatbot does to act for its users by login links, without a browser of its own."""
