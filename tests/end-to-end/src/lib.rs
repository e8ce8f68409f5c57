//! Whole functions against the simulated account.
