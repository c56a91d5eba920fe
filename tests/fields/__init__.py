"""What tshark's fields say of a reply, brought to the form of the facts that capanalyze discloses of it."""
