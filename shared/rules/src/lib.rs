//! Facts in, findings and a plan out: the cost rules.
