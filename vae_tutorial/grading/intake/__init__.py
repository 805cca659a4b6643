"""What a class handed in, from folders and archives of any make."""
