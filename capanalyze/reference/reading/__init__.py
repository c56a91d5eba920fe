"""What the rules need to know of octets: `frames` reads datagrams, `keys` what they say. One function a format."""
