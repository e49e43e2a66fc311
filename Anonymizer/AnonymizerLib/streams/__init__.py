"""Compressed pixel data without what rides along: comments, EXIF, thumbnails, user data; the pixels stay as coded.

Every walker knows the parts its format may have and keeps only those that decoding needs. What it does not know it
refuses: an image that is not understood waits for a person.
"""
