"""Safe opening of pictures, canonical pixels, encoding."""
