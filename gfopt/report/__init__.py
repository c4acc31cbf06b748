"""Numbers -> pages: tables, sentences, formats, pictures, the terminal. No torch here."""
