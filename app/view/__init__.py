"""How things look: each module draws one kind of thing with Streamlit, from values made elsewhere."""
