"""What bench/upload.py compares: pictures, the floor, Pillow."""
