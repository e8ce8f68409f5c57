//! Reads the account into facts.
