//! A simulated AWS account.
