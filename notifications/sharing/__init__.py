"""Cross-posting: a person's photos to their accounts elsewhere. docs/crossposting.md tells the way of a share."""
