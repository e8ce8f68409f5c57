//! notebook-stopper.
